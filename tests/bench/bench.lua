-- Prints wrk's figures as one line of JSON. With a number, so many of 100 requests add a to-do;
-- with `post` and a text, each request posts that as JSON; with `unique`, NUMBER in the address is
-- another number each time.

local CONTENT = "content=a+to-do+of+the+benchmark%2C+as+long+as+those+that+are+on+the+board"

local function mixed(writes)
   local read = wrk.format("GET")
   local write = wrk.format(
      "POST", "/api/todo", { ["Content-Type"] = "application/x-www-form-urlencoded" }, CONTENT
   )
   local number = 0
   return function()
      number = number + 1
      return number % 100 < writes and write or read
   end
end

local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("own", threads)
end

local function unique()
   local number = own * 1e8
   return function()
      number = number + 1
      local path = wrk.path:gsub("NUMBER", string.format("%d", number))
      return wrk.format(nil, path)
   end
end

function init(args)
   if args[1] == "unique" then request = unique() end
   local writes = tonumber(args[1])
   if writes then request = mixed(writes) end
   if args[1] == "post" then
      wrk.method, wrk.body = "POST", args[2]
      wrk.headers["Content-Type"] = "application/json"
   end
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p95_ms":%.3f,"p99_ms":%.3f,"connect":%d,'
         .. '"read":%d,"write":%d,"timeout":%d,"status":%d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
      latency:percentile(95) / 1e3, latency:percentile(99) / 1e3, errors.connect,
      errors.read, errors.write, errors.timeout, errors.status
   ))
end
