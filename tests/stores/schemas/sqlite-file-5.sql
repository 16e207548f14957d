BEGIN TRANSACTION;
CREATE TABLE scopegate_client_stamps (
        realm TEXT NOT NULL,
        id TEXT NOT NULL,
        stamp INTEGER NOT NULL,
        PRIMARY KEY (realm, id)
    ) WITHOUT ROWID
    ;
INSERT INTO "scopegate_client_stamps" VALUES('realm','app',-6200621913827842657);
CREATE TABLE scopegate_clients (
        realm TEXT NOT NULL,
        id TEXT NOT NULL,
        owner TEXT,
        version INTEGER NOT NULL,
        document TEXT NOT NULL, self_registered INTEGER NOT NULL DEFAULT 0, idle_since REAL,
        PRIMARY KEY (realm, id)
    ) WITHOUT ROWID
    ;
INSERT INTO "scopegate_clients" VALUES('realm','app',NULL,4,'{"v":1,"name":"App","redirect_uris":["https://app.example/callback"]}',1,NULL);
CREATE TABLE scopegate_credentials (
        realm TEXT NOT NULL,
        token_id TEXT NOT NULL,
        digest BLOB NOT NULL,
        kind TEXT NOT NULL,
        generation INTEGER NOT NULL,
        created_at REAL NOT NULL,
        expires_at REAL,
        keep_until REAL,
        document TEXT,
        PRIMARY KEY (realm, token_id, digest)
    ) WITHOUT ROWID
    ;
INSERT INTO "scopegate_credentials" VALUES('realm','one',X'16367AACB67A4A017C8DA8AB95682CCB390863780F7114DDA0A0E0C55644C7C4','sga',1,1700000000.25,NULL,NULL,NULL);
INSERT INTO "scopegate_credentials" VALUES('realm','one',X'A7937B64B8CAA58F03721BB6BACF5C78CB235FEBE0E70B1B84CD99541461A08E','sga',1,1700000000.25,NULL,NULL,NULL);
INSERT INTO "scopegate_credentials" VALUES('realm','other',X'2718DE24A7D729684B316E0B209A590EF0F3BF40E850C3FB57BFEEB4FB5FB45F','sga',1,1700000000.25,NULL,NULL,NULL);
CREATE TABLE scopegate_events (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        realm TEXT NOT NULL,
        kind TEXT NOT NULL,
        at REAL NOT NULL,
        user TEXT NOT NULL,
        token_id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        detail TEXT
    );
INSERT INTO "scopegate_events" VALUES(1,'realm','token.changed',1700000000.25,'ann','one','app','{"what":"furnished"}');
CREATE TABLE scopegate_once (
        realm TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        expires_at REAL NOT NULL,
        PRIMARY KEY (realm, key)
    ) WITHOUT ROWID
    ;
INSERT INTO "scopegate_once" VALUES('realm','expired',X'76616C7565',1700000000.25);
INSERT INTO "scopegate_once" VALUES('realm','kept',X'76616C7565',1700000001.25);
CREATE TABLE scopegate_schema (version INTEGER NOT NULL);
INSERT INTO "scopegate_schema" VALUES(5);
CREATE TABLE scopegate_tokens (
        realm TEXT NOT NULL,
        id TEXT NOT NULL,
        user TEXT NOT NULL,
        client_id TEXT NOT NULL,
        created_at REAL NOT NULL,
        document TEXT NOT NULL,
        settings TEXT NOT NULL,
        version INTEGER NOT NULL,
        generation INTEGER NOT NULL,
        advanced_at REAL,
        reply BLOB,
        revoked_at REAL,
        revoked_reason TEXT,
        last_used_at REAL, last_wrote_at REAL, lapses_at REAL, stamp INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (realm, id)
    ) WITHOUT ROWID
    ;
INSERT INTO "scopegate_tokens" VALUES('realm','ended','ann','app',1700000000.25,'{"v":1,"redirect_uri":"https://app.example/callback","scopes":["all.Application.read"],"resources":["https://acme.example/mcp"]}','{"v":1,"name":"Laptop","cap":{"default":"view","organizations":{"acme":"edit"},"sandbox":"admin","applications":{"thermostat":{"role":"view","organization":"acme"}},"known":["acme"]}}',1,1,1700000000.25,NULL,1700000000.25,'enough',NULL,NULL,NULL,7774585793995287465);
INSERT INTO "scopegate_tokens" VALUES('realm','one','ann','app',1700000000.25,'{"v":1,"redirect_uri":"https://app.example/callback","scopes":["all.Application.read"],"resources":["https://acme.example/mcp"]}','{"v":1,"name":"Phone","cap":{"default":"view","organizations":{"acme":"edit"},"sandbox":"admin","applications":{"thermostat":{"role":"view","organization":"acme"}},"known":["acme"]}}',3,2,1700000000.25,X'7365616C6564',NULL,NULL,NULL,NULL,NULL,-2150408144648796799);
INSERT INTO "scopegate_tokens" VALUES('realm','other','bob','app',1700000000.25,'{"v":1,"redirect_uri":"https://app.example/callback","scopes":["all.Application.read"],"resources":["https://acme.example/mcp"]}','{"v":1,"name":"Laptop","cap":{"default":"view","organizations":{"acme":"edit"},"sandbox":"admin","applications":{"thermostat":{"role":"view","organization":"acme"}},"known":["acme"]}}',1,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,-5116305604964323214);
CREATE INDEX scopegate_tokens_of_user ON scopegate_tokens (realm, user, created_at DESC, id);
CREATE INDEX scopegate_tokens_of_client ON scopegate_tokens (realm, client_id, created_at DESC, id);
CREATE INDEX scopegate_tokens_by_age ON scopegate_tokens (realm, created_at DESC, id);
CREATE INDEX scopegate_tokens_pending ON scopegate_tokens (realm, created_at, id) WHERE generation = 0
    ;
CREATE INDEX scopegate_credentials_kept ON scopegate_credentials (realm, keep_until)
    WHERE keep_until IS NOT NULL
    ;
CREATE INDEX scopegate_clients_of_owner ON scopegate_clients (realm, owner, id) WHERE owner IS NOT NULL;
CREATE INDEX scopegate_once_kept ON scopegate_once (realm, expires_at);
CREATE INDEX scopegate_events_of_user ON scopegate_events (realm, user);
CREATE INDEX scopegate_events_of_token ON scopegate_events (realm, token_id);
CREATE INDEX scopegate_clients_idle ON scopegate_clients (realm, idle_since) WHERE self_registered = 1;
CREATE TRIGGER scopegate_client_put AFTER INSERT ON scopegate_clients BEGIN
        INSERT OR REPLACE INTO scopegate_client_stamps VALUES (new.realm, new.id, random());
    END;
CREATE TRIGGER scopegate_client_changed AFTER UPDATE OF owner, version, document ON scopegate_clients BEGIN
        UPDATE scopegate_client_stamps SET stamp = random() WHERE realm = new.realm AND id = new.id;
    END;
CREATE TRIGGER scopegate_client_gone AFTER DELETE ON scopegate_clients BEGIN
        DELETE FROM scopegate_client_stamps WHERE realm = old.realm AND id = old.id;
    END;
CREATE INDEX scopegate_events_by_age ON scopegate_events (realm, at);
CREATE VIEW scopegate_token_stamps AS SELECT realm, id, stamp, client_id FROM scopegate_tokens;
CREATE TRIGGER scopegate_token_put AFTER INSERT ON scopegate_tokens BEGIN
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = new.realm AND id = new.id;
    END;
CREATE TRIGGER scopegate_token_changed AFTER UPDATE ON scopegate_tokens WHEN new.stamp = old.stamp BEGIN
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = new.realm AND id = new.id;
    END;
CREATE TRIGGER scopegate_credential_replaced BEFORE INSERT ON scopegate_credentials WHEN EXISTS (
        SELECT 1 FROM scopegate_credentials
        WHERE realm = new.realm AND token_id = new.token_id AND digest = new.digest
    ) BEGIN
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = new.realm AND id = new.token_id;
    END;
CREATE TRIGGER scopegate_credential_changed AFTER UPDATE ON scopegate_credentials BEGIN
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = old.realm AND id = old.token_id;
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = new.realm AND id = new.token_id;
    END;
CREATE TRIGGER scopegate_credential_gone AFTER DELETE ON scopegate_credentials BEGIN
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = old.realm AND id = old.token_id;
    END;
CREATE TRIGGER scopegate_client_moved AFTER UPDATE OF realm, id ON scopegate_clients BEGIN
        DELETE FROM scopegate_client_stamps WHERE realm = old.realm AND id = old.id;
        DELETE FROM scopegate_client_stamps WHERE realm = new.realm AND id = new.id;
        INSERT INTO scopegate_client_stamps VALUES (new.realm, new.id, random());
    END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('scopegate_events',1);
COMMIT;
