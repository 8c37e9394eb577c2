"""Operations written for speed: the only modules that ask which backend runs."""
