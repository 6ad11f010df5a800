package fakeidp

import (
	"hash/maphash"
	"sync"
	"time"
)

// shardCount is a power of two well above the number of cores, so that two
// polls rarely meet at one lock.
const shardCount = 64

// store is a map from a random string to a record that is worthless after some
// time. It has no global lock, and no goroutine tidies it: a shard that doubled
// since it was last tidied is tidied by the write that noticed.
type store[V any] struct {
	// dead says whether a record may be forgotten.
	dead   func(v V, now time.Time) bool
	seed   maphash.Seed
	shards [shardCount]shard[V]
}

type shard[V any] struct {
	mu      sync.RWMutex
	records map[string]V
	// tidyAt is the number of records at which the next write tidies.
	tidyAt int
	// Keeps neighbouring locks on different cache lines.
	_ [24]byte
}

// leastTidy keeps small shards from being tidied at every write.
const leastTidy = 64

func newStore[V any](dead func(v V, now time.Time) bool) *store[V] {
	s := &store[V]{dead: dead, seed: maphash.MakeSeed()}
	s.clear()
	return s
}

func (s *store[V]) shard(key string) *shard[V] {
	return &s.shards[maphash.String(s.seed, key)%shardCount]
}

// get returns the record of key, unless it is dead at now.
func (s *store[V]) get(key string, now time.Time) (V, bool) {
	sh := s.shard(key)
	sh.mu.RLock()
	v, ok := sh.records[key]
	sh.mu.RUnlock()
	if !ok || s.dead(v, now) {
		var none V
		return none, false
	}
	return v, true
}

// put stores a record under a key that nobody else can have drawn.
func (s *store[V]) put(key string, v V, now time.Time) {
	s.claim(key, v, now, func(V) bool { return true })
}

// claim stores a record unless the key is taken by one that has to stay.
func (s *store[V]) claim(key string, v V, now time.Time, replaceable func(V) bool) bool {
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if old, taken := sh.records[key]; taken && !s.dead(old, now) && !replaceable(old) {
		return false
	}
	sh.records[key] = v
	if len(sh.records) >= sh.tidyAt {
		for k, v := range sh.records {
			if s.dead(v, now) {
				delete(sh.records, k)
			}
		}
		sh.tidyAt = max(leastTidy, 2*len(sh.records))
	}
	return true
}

func (s *store[V]) remove(key string) {
	sh := s.shard(key)
	sh.mu.Lock()
	delete(sh.records, key)
	sh.mu.Unlock()
}

// all returns the records that are not dead at now, in no order.
func (s *store[V]) all(now time.Time) []V {
	var records []V
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.RLock()
		for _, v := range sh.records {
			if !s.dead(v, now) {
				records = append(records, v)
			}
		}
		sh.mu.RUnlock()
	}
	return records
}

func (s *store[V]) clear() {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.records = make(map[string]V)
		sh.tidyAt = leastTidy
		sh.mu.Unlock()
	}
}
