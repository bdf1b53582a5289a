-- Each service owns a database.
CREATE DATABASE devops;
CREATE DATABASE review;
