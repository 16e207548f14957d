
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
DROP TABLE IF EXISTS `scopegate_clients`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `scopegate_clients` (
  `realm` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `id` varchar(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `owner` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `version` bigint(20) NOT NULL,
  `document` longtext CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `self_registered` tinyint(1) NOT NULL,
  `idle_since` double DEFAULT NULL,
  PRIMARY KEY (`realm`,`id`),
  KEY `scopegate_clients_idle` (`realm`,`idle_since`),
  KEY `scopegate_clients_of_owner` (`realm`,`owner`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `scopegate_clients` WRITE;
/*!40000 ALTER TABLE `scopegate_clients` DISABLE KEYS */;
INSERT INTO `scopegate_clients` VALUES
('realm','app',NULL,4,'{\"v\":1,\"name\":\"App\",\"redirect_uris\":[\"https://app.example/callback\"]}',1,NULL);
/*!40000 ALTER TABLE `scopegate_clients` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `scopegate_credentials`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `scopegate_credentials` (
  `realm` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `birth` bigint(20) NOT NULL,
  `digest` varbinary(64) NOT NULL,
  `kind` varchar(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `generation` bigint(20) NOT NULL,
  `created_at` double NOT NULL,
  `expires_at` double DEFAULT NULL,
  `keep_until` double DEFAULT NULL,
  `document` longtext CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `parked` tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (`realm`,`birth`,`digest`),
  KEY `scopegate_credentials_kept` (`realm`,`keep_until`),
  KEY `scopegate_credentials_parked` (`realm`,`birth`,`parked`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `scopegate_credentials` WRITE;
/*!40000 ALTER TABLE `scopegate_credentials` DISABLE KEYS */;
INSERT INTO `scopegate_credentials` VALUES
('realm',596446441482722420,0x16367AACB67A4A017C8DA8AB95682CCB390863780F7114DDA0A0E0C55644C7C4,'sga',1,1700000000.25,NULL,NULL,NULL,0),
('realm',596446441482722420,0xA7937B64B8CAA58F03721BB6BACF5C78CB235FEBE0E70B1B84CD99541461A08E,'sga',1,1700000000.25,NULL,NULL,NULL,0),
('realm',3221282503565213515,0x2718DE24A7D729684B316E0B209A590EF0F3BF40E850C3FB57BFEEB4FB5FB45F,'sga',1,1700000000.25,NULL,NULL,NULL,0);
/*!40000 ALTER TABLE `scopegate_credentials` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `scopegate_events`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `scopegate_events` (
  `realm` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `sequence` bigint(20) NOT NULL AUTO_INCREMENT,
  `kind` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `happened_at` double NOT NULL,
  `user_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `token_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `client_id` varchar(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `detail` longtext CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  PRIMARY KEY (`realm`,`sequence`),
  UNIQUE KEY `scopegate_events_number` (`sequence`),
  KEY `scopegate_events_by_age` (`realm`,`happened_at`),
  KEY `scopegate_events_of_token` (`realm`,`token_id`,`sequence`),
  KEY `scopegate_events_of_user` (`realm`,`user_id`,`sequence`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `scopegate_events` WRITE;
/*!40000 ALTER TABLE `scopegate_events` DISABLE KEYS */;
INSERT INTO `scopegate_events` VALUES
('realm',1,'token.changed',1700000000.25,'ann','one','app','{\"what\":\"furnished\"}');
/*!40000 ALTER TABLE `scopegate_events` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `scopegate_leftovers`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `scopegate_leftovers` (
  `realm` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `birth` bigint(20) NOT NULL,
  PRIMARY KEY (`realm`,`birth`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `scopegate_leftovers` WRITE;
/*!40000 ALTER TABLE `scopegate_leftovers` DISABLE KEYS */;
/*!40000 ALTER TABLE `scopegate_leftovers` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `scopegate_once`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `scopegate_once` (
  `realm` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `name` varchar(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `value` mediumblob NOT NULL,
  `expires_at` double NOT NULL,
  PRIMARY KEY (`realm`,`name`),
  KEY `scopegate_once_kept` (`realm`,`expires_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `scopegate_once` WRITE;
/*!40000 ALTER TABLE `scopegate_once` DISABLE KEYS */;
INSERT INTO `scopegate_once` VALUES
('realm','expired',0x76616C7565,1700000000.25),
('realm','kept',0x76616C7565,1700000001.25);
/*!40000 ALTER TABLE `scopegate_once` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `scopegate_tokens`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `scopegate_tokens` (
  `realm` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `birth` bigint(20) NOT NULL,
  `user_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `client_id` varchar(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `created_at` double NOT NULL,
  `document` longtext CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `settings` longtext CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `version` bigint(20) NOT NULL,
  `generation` bigint(20) NOT NULL,
  `advanced_at` double DEFAULT NULL,
  `reply` mediumblob DEFAULT NULL,
  `revoked_at` double DEFAULT NULL,
  `revoked_reason` longtext CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `last_used_at` double DEFAULT NULL,
  `last_wrote_at` double DEFAULT NULL,
  `lapses_at` double DEFAULT NULL,
  PRIMARY KEY (`realm`,`id`),
  UNIQUE KEY `scopegate_tokens_birth` (`realm`,`birth`),
  KEY `scopegate_tokens_by_age` (`realm`,`created_at` DESC,`id`),
  KEY `scopegate_tokens_of_client` (`realm`,`client_id`,`created_at` DESC,`id`),
  KEY `scopegate_tokens_of_user` (`realm`,`user_id`,`created_at` DESC,`id`),
  KEY `scopegate_tokens_pending` (`realm`,`generation`,`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `scopegate_tokens` WRITE;
/*!40000 ALTER TABLE `scopegate_tokens` DISABLE KEYS */;
INSERT INTO `scopegate_tokens` VALUES
('realm','ended',1335553383960499585,'ann','app',1700000000.25,'{\"v\":1,\"redirect_uri\":\"https://app.example/callback\",\"scopes\":[\"all.Application.read\"],\"resources\":[\"https://acme.example/mcp\"]}','{\"v\":1,\"name\":\"Laptop\",\"cap\":{\"default\":\"view\",\"organizations\":{\"acme\":\"edit\"},\"sandbox\":\"admin\",\"applications\":{\"thermostat\":{\"role\":\"view\",\"organization\":\"acme\"}},\"known\":[\"acme\"]}}',1,1,1700000000.25,NULL,1700000000.25,'\"enough\"',NULL,NULL,NULL),
('realm','one',596446441482722420,'ann','app',1700000000.25,'{\"v\":1,\"redirect_uri\":\"https://app.example/callback\",\"scopes\":[\"all.Application.read\"],\"resources\":[\"https://acme.example/mcp\"]}','{\"v\":1,\"name\":\"Phone\",\"cap\":{\"default\":\"view\",\"organizations\":{\"acme\":\"edit\"},\"sandbox\":\"admin\",\"applications\":{\"thermostat\":{\"role\":\"view\",\"organization\":\"acme\"}},\"known\":[\"acme\"]}}',3,2,1700000000.25,0x7365616C6564,NULL,NULL,NULL,NULL,NULL),
('realm','other',3221282503565213515,'bob','app',1700000000.25,'{\"v\":1,\"redirect_uri\":\"https://app.example/callback\",\"scopes\":[\"all.Application.read\"],\"resources\":[\"https://acme.example/mcp\"]}','{\"v\":1,\"name\":\"Laptop\",\"cap\":{\"default\":\"view\",\"organizations\":{\"acme\":\"edit\"},\"sandbox\":\"admin\",\"applications\":{\"thermostat\":{\"role\":\"view\",\"organization\":\"acme\"}},\"known\":[\"acme\"]}}',1,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
/*!40000 ALTER TABLE `scopegate_tokens` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `scopegate_version`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `scopegate_version` (
  `only_row` int(11) NOT NULL,
  `version` int(11) NOT NULL,
  PRIMARY KEY (`only_row`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `scopegate_version` WRITE;
/*!40000 ALTER TABLE `scopegate_version` DISABLE KEYS */;
INSERT INTO `scopegate_version` VALUES
(1,1);
/*!40000 ALTER TABLE `scopegate_version` ENABLE KEYS */;
UNLOCK TABLES;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

