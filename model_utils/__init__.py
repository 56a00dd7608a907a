"""Start-up of the entry scripts: configuration, device, versions, logging. Knows no model."""
