SELECT client.id, client.name,
       (SELECT min(session.starts_at) FROM session
         WHERE session.client_id = client.id AND session.starts_at > now()) AS next_session
  FROM coach_client JOIN client ON client.id = coach_client.client_id
 WHERE coach_client.coach_id = 1
