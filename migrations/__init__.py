"""How the database came to be, one dated step at a time."""
