SELECT client.id,
       (SELECT sum(session.minutes) FROM session
         WHERE session.client_id = client.id AND session.status = 'completed') AS coached_minutes,
       (SELECT avg(practice_entry.mood) FROM practice_entry
         WHERE practice_entry.client_id = client.id) AS mood
  FROM coach_client JOIN client ON client.id = coach_client.client_id
 WHERE coach_client.coach_id = 3
