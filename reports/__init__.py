"""Reports for people: tables and charts in one HTML file, of whatever was measured."""
