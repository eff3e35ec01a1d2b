"""The routes, one small file a noun; each translates and decides nothing."""
