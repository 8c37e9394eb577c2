"""Operations optimized for speed; the only package in `models` that checks the Keras backend."""
