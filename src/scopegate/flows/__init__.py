"""One endpoint each: request, record, time and entropy in; a decision out."""
