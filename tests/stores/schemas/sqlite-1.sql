BEGIN TRANSACTION;
CREATE TABLE scopegate_clients (
	realm TEXT NOT NULL, 
	id TEXT NOT NULL, 
	owner TEXT, 
	version BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	self_registered BOOLEAN NOT NULL, 
	idle_since DOUBLE, 
	CONSTRAINT scopegate_clients_key PRIMARY KEY (realm, id)
);
INSERT INTO "scopegate_clients" VALUES('realm','app',NULL,4,'{"v":1,"name":"App","redirect_uris":["https://app.example/callback"]}',1,NULL);
CREATE TABLE scopegate_credentials (
	realm TEXT NOT NULL, 
	birth BIGINT NOT NULL, 
	digest BLOB NOT NULL, 
	kind TEXT NOT NULL, 
	generation BIGINT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	expires_at DOUBLE, 
	keep_until DOUBLE, 
	document TEXT, 
	parked BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT scopegate_credentials_key PRIMARY KEY (realm, birth, digest)
);
INSERT INTO "scopegate_credentials" VALUES('realm',5704890910883098801,X'A7937B64B8CAA58F03721BB6BACF5C78CB235FEBE0E70B1B84CD99541461A08E','sga',1,1700000000.25,NULL,NULL,NULL,0);
INSERT INTO "scopegate_credentials" VALUES('realm',5704890910883098801,X'16367AACB67A4A017C8DA8AB95682CCB390863780F7114DDA0A0E0C55644C7C4','sga',1,1700000000.25,NULL,NULL,NULL,0);
INSERT INTO "scopegate_credentials" VALUES('realm',3027795088193797931,X'2718DE24A7D729684B316E0B209A590EF0F3BF40E850C3FB57BFEEB4FB5FB45F','sga',1,1700000000.25,NULL,NULL,NULL,0);
CREATE TABLE scopegate_events (
	realm TEXT NOT NULL, 
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind TEXT NOT NULL, 
	happened_at DOUBLE NOT NULL, 
	user_id TEXT NOT NULL, 
	token_id TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	detail TEXT
);
INSERT INTO "scopegate_events" VALUES('realm',1,'token.changed',1700000000.25,'ann','one','app','{"what":"furnished"}');
CREATE TABLE scopegate_leftovers (
	realm TEXT NOT NULL, 
	birth BIGINT NOT NULL, 
	CONSTRAINT scopegate_leftovers_key PRIMARY KEY (realm, birth)
);
CREATE TABLE scopegate_once (
	realm TEXT NOT NULL, 
	name TEXT NOT NULL, 
	value BLOB NOT NULL, 
	expires_at DOUBLE NOT NULL, 
	CONSTRAINT scopegate_once_key PRIMARY KEY (realm, name)
);
INSERT INTO "scopegate_once" VALUES('realm','kept',X'76616C7565',1700000001.25);
INSERT INTO "scopegate_once" VALUES('realm','expired',X'76616C7565',1700000000.25);
CREATE TABLE scopegate_tokens (
	realm TEXT NOT NULL, 
	id TEXT NOT NULL, 
	birth BIGINT NOT NULL, 
	user_id TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	document TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	generation BIGINT NOT NULL, 
	advanced_at DOUBLE, 
	reply BLOB, 
	revoked_at DOUBLE, 
	revoked_reason TEXT, 
	last_used_at DOUBLE, 
	last_wrote_at DOUBLE, 
	lapses_at DOUBLE, 
	CONSTRAINT scopegate_tokens_key PRIMARY KEY (realm, id)
);
INSERT INTO "scopegate_tokens" VALUES('realm','one',5704890910883098801,'ann','app',1700000000.25,'{"v":1,"redirect_uri":"https://app.example/callback","scopes":["all.Application.read"],"resources":["https://acme.example/mcp"]}','{"v":1,"name":"Phone","cap":{"default":"view","organizations":{"acme":"edit"},"sandbox":"admin","applications":{"thermostat":{"role":"view","organization":"acme"}},"known":["acme"]}}',3,2,1700000000.25,X'7365616C6564',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "scopegate_tokens" VALUES('realm','other',3027795088193797931,'bob','app',1700000000.25,'{"v":1,"redirect_uri":"https://app.example/callback","scopes":["all.Application.read"],"resources":["https://acme.example/mcp"]}','{"v":1,"name":"Laptop","cap":{"default":"view","organizations":{"acme":"edit"},"sandbox":"admin","applications":{"thermostat":{"role":"view","organization":"acme"}},"known":["acme"]}}',1,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "scopegate_tokens" VALUES('realm','ended',3085818625571628947,'ann','app',1700000000.25,'{"v":1,"redirect_uri":"https://app.example/callback","scopes":["all.Application.read"],"resources":["https://acme.example/mcp"]}','{"v":1,"name":"Laptop","cap":{"default":"view","organizations":{"acme":"edit"},"sandbox":"admin","applications":{"thermostat":{"role":"view","organization":"acme"}},"known":["acme"]}}',1,1,1700000000.25,NULL,1700000000.25,'"enough"',NULL,NULL,NULL);
CREATE TABLE scopegate_version (only_row INTEGER NOT NULL PRIMARY KEY, version INTEGER NOT NULL);
INSERT INTO "scopegate_version" VALUES(1,1);
CREATE INDEX scopegate_clients_idle ON scopegate_clients (realm, idle_since) WHERE self_registered AND idle_since IS NOT NULL;
CREATE INDEX scopegate_clients_of_owner ON scopegate_clients (realm, owner) WHERE owner IS NOT NULL;
CREATE INDEX scopegate_credentials_kept ON scopegate_credentials (realm, keep_until) WHERE keep_until IS NOT NULL AND NOT parked;
CREATE INDEX scopegate_credentials_parked ON scopegate_credentials (realm, birth, parked) WHERE parked;
CREATE INDEX scopegate_events_by_age ON scopegate_events (realm, happened_at);
CREATE INDEX scopegate_events_of_token ON scopegate_events (realm, token_id, sequence);
CREATE INDEX scopegate_events_of_user ON scopegate_events (realm, user_id, sequence);
CREATE INDEX scopegate_once_kept ON scopegate_once (realm, expires_at);
CREATE UNIQUE INDEX scopegate_tokens_birth ON scopegate_tokens (realm, birth);
CREATE INDEX scopegate_tokens_by_age ON scopegate_tokens (realm, created_at DESC, id);
CREATE INDEX scopegate_tokens_of_client ON scopegate_tokens (realm, client_id, created_at DESC, id);
CREATE INDEX scopegate_tokens_of_user ON scopegate_tokens (realm, user_id, created_at DESC, id);
CREATE INDEX scopegate_tokens_pending ON scopegate_tokens (realm, generation, created_at) WHERE generation = 0;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('scopegate_events',1);
COMMIT;
