-- Numbers moved to the contacts service last month; nobody reads them here any more.

ALTER TABLE client DROP COLUMN phone;
