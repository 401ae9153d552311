"""What a request is about, read from its words: a trained model, keyword rules beneath it."""
