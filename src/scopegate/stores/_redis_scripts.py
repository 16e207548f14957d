"""What Redis runs by itself, each script alone. A script touches keys of one slot; but `READ`, outside a cluster.

Values stay opaque: documents are never taken apart in Lua, and numbers are compared only where a double holds them.
"""

from hashlib import sha1
from typing import Final

from attrs import field, frozen


@frozen
class Script:
    """A script and its name on the server.

    Args:
        body: in Lua.
        sha: what ``EVALSHA`` calls it.
    """

    body: str
    sha: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Name it."""
        object.__setattr__(self, "sha", sha1(self.body.encode(), usedforsecurity=False).hexdigest())


COMMIT: Final = Script("""
-- KEYS: the row, its credentials, their times, the outbox, the mark of this commit.
-- ARGV: how many conditions; then conditions and writes, four words each.
local row, credentials, times, outbox, mark = unpack(KEYS)
local call = redis.call
if call('EXISTS', mark) == 1 then
  return 1
end
local function number(name)
  return tonumber(call('HGET', row, name))
end
local holds = {
  absent = function() return call('EXISTS', row) == 0 end,
  there = function() return call('EXISTS', row) == 1 end,
  equal = function(name, value) return call('HGET', row, name) == value end,
  unset = function(name) return call('HEXISTS', row, name) == 0 end,
  credential = function(digest) return call('HEXISTS', credentials, digest) == 1 end,
  -- For once rows, at a time.
  free = function(now) return call('EXISTS', row) == 0 or number('expires_at') <= tonumber(now) end,
  kept = function(now) return call('EXISTS', row) == 1 and tonumber(now) < number('expires_at') end,
}
local write = {
  set = function(name, value) call('HSET', row, name, value) end,
  unset = function(name) call('HDEL', row, name) end,
  more = function(name) call('HINCRBY', row, name, 1) end,
  later = function(name, value)
    local known = number(name)
    if call('EXISTS', row) == 1 and (not known or known < tonumber(value)) then call('HSET', row, name, value) end
  end,
  add = function(digest, value, keep)
    if call('EXISTS', row) == 1 and call('HSETNX', credentials, digest, value) == 1 and keep ~= '' then
      call('ZADD', times, keep, digest)
    end
  end,
  drop = function(digest)
    call('HDEL', credentials, digest)
    call('ZREM', times, digest)
  end,
  delete = function() call('UNLINK', row, credentials, times) end,
  event = function(event) call('RPUSH', outbox, event) end,
  publish = function(channel, told) call('PUBLISH', channel, told) end,
}
local result = 1
write.unpark = function()
  result = result + call('HDEL', row, 'parked')
end
local conditions = tonumber(ARGV[1])
for place = 2, #ARGV, 4 do
  local word, a, b, c = unpack(ARGV, place, place + 3)
  if place < 2 + 4 * conditions then
    if not holds[word](a, b) then
      return 0
    end
  else
    write[word](a, b, c)
  end
end
-- Clients repeat what they had no answer to; for a minute they get the first one's.
call('SET', mark, '1', 'EX', 60)
return result
""")

READ: Final = Script("""
-- KEYS: a token, its credentials. ARGV: a digest or '', and whether its client may be read as well.
local row = redis.call('HGETALL', KEYS[1])
if #row == 0 then
  return {}
end
local credential = ARGV[1] ~= '' and redis.call('HGET', KEYS[2], ARGV[1]) or false
local client = {}
if ARGV[2] == '1' then
  client = redis.call('HGETALL', redis.call('HGET', KEYS[1], 'client_key'))
end
return {row, credential, client}
""")

APPEND: Final = Script("""
-- KEYS: events, the last number, all, by time, of the user, of the token. ARGV: name, event, time.
local call = redis.call
if call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
local number = call('INCR', KEYS[2])
for _, place in ipairs({3, 5, 6}) do
  call('ZADD', KEYS[place], number, ARGV[1])
end
call('ZADD', KEYS[4], ARGV[3], ARGV[1])
return 1
""")

HISTORY: Final = Script("""
-- KEYS: events, numbers. ARGV: below which number, how many.
local found = redis.call('ZREVRANGEBYSCORE', KEYS[2], ARGV[1], '-inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local events = {}
for place = 1, #found, 2 do
  events[#events + 1] = {found[place + 1], redis.call('HGET', KEYS[1], found[place])}
end
return events
""")

FORGET: Final = Script("""
-- KEYS: events, all, by time, of the user, of the token. ARGV: name.
for place = 2, 5 do
  redis.call('ZREM', KEYS[place], ARGV[1])
end
return redis.call('HDEL', KEYS[1], ARGV[1])
""")

TELL: Final = Script("""
-- KEYS: any of the realm. ARGV: a channel, what to tell there.
return redis.call('PUBLISH', ARGV[1], ARGV[2])
""")

SWEEP_TOKEN: Final = Script("""
-- KEYS: a token, its credentials, their times. ARGV: what to free, a time, how many.
-- Frees credentials, or the bare token; tells how many, and which time comes next.
local call = redis.call
local row, credentials, times = unpack(KEYS)
local limit, freed = tonumber(ARGV[3]), 0
if ARGV[1] == 'pending' then
  if call('HGET', row, 'generation') ~= '0' then
    return {-1, ''}
  end
  local created = call('HGET', row, 'created_at')
  if tonumber(created) > tonumber(ARGV[2]) then
    return {-1, created}
  end
  for _, digest in ipairs(call('HKEYS', credentials)) do
    if freed < limit then
      call('HDEL', credentials, digest)
      call('ZREM', times, digest)
      freed = freed + 1
    end
  end
elseif ARGV[1] == 'bare' then
  if call('HGET', row, 'generation') == '0' and call('HLEN', credentials) == 0
      and tonumber(call('HGET', row, 'created_at')) <= tonumber(ARGV[2]) then
    freed = call('DEL', row)
    call('DEL', times)
  end
else
  local generation = tonumber(call('HGET', row, 'generation'))
  for _, digest in ipairs(call('ZRANGEBYSCORE', times, '-inf', ARGV[2], 'LIMIT', 0, limit + 100)) do
    local kept = call('HGET', credentials, digest)
    local own = tonumber(string.match(kept, '^(%d+) '))
    if own < generation and freed < limit then
      call('HDEL', credentials, digest)
      call('ZREM', times, digest)
      freed = freed + 1
    elseif own < generation then
      return {freed, ARGV[2]}
    else
      call('HSET', row, 'parked', '1')
    end
  end
end
local following = call('ZRANGEBYSCORE', times, '(' .. ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
return {freed, following[2] or ''}
""")

SWEEP_ROW: Final = Script("""
-- KEYS: a once row. ARGV: a time. Tells how many went, and when the row ends that did not.
local ends = redis.call('HGET', KEYS[1], 'expires_at')
if not ends or tonumber(ends) > tonumber(ARGV[1]) then
  return {0, ends or ''}
end
return {redis.call('DEL', KEYS[1]), ''}
""")
