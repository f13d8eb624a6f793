SELECT client.id, client.name,
       (SELECT max(session.starts_at) FROM session
         WHERE session.client_id = client.id AND session.status = 'completed') AS last_session,
       (SELECT count(*) FROM practice_entry
         WHERE practice_entry.client_id = client.id
           AND practice_entry.written_at > now() - interval '30 days') AS recent_entries
  FROM coach_client JOIN client ON client.id = coach_client.client_id
 WHERE coach_client.coach_id = 2
 ORDER BY last_session DESC NULLS LAST
