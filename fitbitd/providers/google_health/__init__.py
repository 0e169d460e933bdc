"""The Google Health API v4: what a Fitbit or Pixel watch brings to a person's Google account."""
