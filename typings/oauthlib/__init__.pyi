"""Types of the part of oauthlib that scopegate uses; oauthlib 4 ships none, and published stubs are of oauthlib 3."""
