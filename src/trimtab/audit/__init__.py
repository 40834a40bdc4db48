"""Production readiness of any live prediction service, found out from outside by its URL."""
