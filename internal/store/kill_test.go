package store

func victim() int { return 0 }
