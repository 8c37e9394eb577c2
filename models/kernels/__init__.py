"""Operations written for speed; the only room that may ask which backend runs."""
