"""Local models through torch and transformers, which are loaded when a model is opened."""
