"""Speech: a call becomes a sentence, a sentence a sound, and sounds take turns."""
