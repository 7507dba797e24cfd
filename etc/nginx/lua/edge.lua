-- Hot public pages from nginx's own memory, exact after a commit.
--
-- A page is kept with the generation of its tag under which Flask read it. Writers raise the
-- generation here (`drop`) before they answer; a page of another generation than the current one
-- is never sent (a newer one may be, while the news is still on its way). Within a generation a page is fresh for as long as Flask said, then one request
-- asks for it anew while the others still get the old one, for GRACE at most.

local pages = ngx.shared.edge_pages
local generations = ngx.shared.edge_generations
local locks = ngx.shared.edge_locks
local counters = ngx.shared.edge_counters

local GRACE = 0.3
local LOCK = 2
local WAIT = 2
local LOCAL_MAX = 256

-- The worker's own unpacked copies: a hit copies nothing out of shared memory.
local mine, mine_count = {}, 0
local counted = { hit = 0, stale = 0, fill = 0, wait = 0, pass = 0 }

local M = {}

local function remember(uri, page)
    if not mine[uri] then
        if mine_count >= LOCAL_MAX then mine, mine_count = {}, 0 end
        mine_count = mine_count + 1
    end
    mine[uri] = page
    return page
end

local function unpack_page(packed)
    local tag, generation, fresh_until, body = packed:match("^(%S+) (%S+) (%S+) (.*)$")
    fresh_until = tonumber(fresh_until)
    return {
        tag = tag,
        generation = tonumber(generation),
        fresh_until = fresh_until,
        dead_at = fresh_until + GRACE,
        body = body,
    }
end

local function is_current(page)
    local known = generations:get(page.tag)
    return known and page.generation >= known
end

-- The page, if it is of the current generation and not dead.
local function current(uri, now)
    local page = mine[uri]
    if page and now < page.fresh_until and is_current(page) then
        return page
    end
    local packed = pages:get(uri)
    if not packed then return nil end
    page = remember(uri, unpack_page(packed))
    if now < page.dead_at and is_current(page) then return page end
    return nil
end

local function with_lock(name, action)
    while not locks:add(name, true, LOCK) do ngx.sleep(0.001) end
    local ok, problem = pcall(action)
    locks:delete(name)
    if not ok then error(problem) end
end

-- Raise a tag's generation; it never goes back, whatever order the news arrives in.
local function raise(tag, generation)
    with_lock("generation " .. tag, function()
        local known = generations:get(tag)
        if not known or known < generation then generations:set(tag, generation) end
    end)
end

local function keep(uri, tag, generation, ttl_ms, body)
    local now = ngx.now()
    local fresh_until = now + ttl_ms / 1000
    local packed = string.format("%s %.0f %.3f %s", tag, generation, fresh_until, body)
    pages:set(uri, packed, ttl_ms / 1000 + GRACE)
end

local function send(page, outcome)
    counted[outcome] = counted[outcome] + 1
    local header = ngx.header
    header["Content-Type"] = "application/json"
    header["Cache-Control"] = "no-store"
    header["Content-Length"] = #page.body
    ngx.print(page.body)
    return ngx.exit(ngx.HTTP_OK)
end

-- Ask Flask, keep the answer if Flask lets us, and send it.
local function fill(uri)
    local answer = ngx.location.capture("/edge-fill")
    local tag, generation, ttl_ms =
        (answer.header["X-Raindrop-Edge"] or ""):match("^(%S+) (%d+) (%d+)$")
    if answer.status == ngx.HTTP_OK and tag and not answer.truncated then
        generation, ttl_ms = tonumber(generation), tonumber(ttl_ms)
        local known = generations:get(tag) or 0
        if known < generation then raise(tag, generation) end
        if known <= generation then keep(uri, tag, generation, ttl_ms, answer.body) end
    end
    locks:delete(uri)
    if answer.status >= ngx.HTTP_BAD_GATEWAY and answer.status <= ngx.HTTP_GATEWAY_TIMEOUT then
        -- gunicorn is away or full: the ordinary way answers with the ordinary error.
        counted.pass = counted.pass + 1
        return
    end
    counted.fill = counted.fill + 1
    ngx.status = answer.status
    for _, name in ipairs({ "Content-Type", "Cache-Control", "Retry-After", "Allow" }) do
        ngx.header[name] = answer.header[name]
    end
    ngx.print(answer.body)
    return ngx.exit(ngx.HTTP_OK)
end

-- While somebody else fills: the new page as soon as it is there, else nil.
local function await(uri)
    local deadline, step = ngx.now() + WAIT, 0.001
    while ngx.now() < deadline do
        ngx.sleep(step)
        local page = current(uri, ngx.now())
        if page then return page end
        if not locks:get(uri) then return nil end
        step = math.min(step * 1.5, 0.01)
    end
    return nil
end

function M.serve()
    local var = ngx.var
    local uri = var.request_uri
    local is_hot = mine[uri] or var.is_hot_page ~= ""
    if not is_hot or var.is_anonymous == "" or var.request_method ~= "GET" then
        counted.pass = counted.pass + 1
        return
    end
    local now = ngx.now()
    local page = current(uri, now)
    if page and now < page.fresh_until then return send(page, "hit") end
    if locks:add(uri, true, LOCK) then return fill(uri) end
    if page then return send(page, "stale") end
    page = await(uri)
    if page then return send(page, "wait") end
    counted.pass = counted.pass + 1
end

function M.drop()
    local headers = ngx.req.get_headers()
    local tag, generation = headers["X-Tag"], tonumber(headers["X-Generation"])
    if not tag then return ngx.exit(ngx.HTTP_BAD_REQUEST) end
    if not generation then
        -- Redis did not say which: any other than the current one drops the pages.
        generations:incr(tag, 1, 0)
        return ngx.exit(ngx.HTTP_NO_CONTENT)
    end
    local paths, ttl_ms = headers["X-Paths"] or "", tonumber(headers["X-Ttl"])
    if paths ~= "" then
        ngx.req.read_body()
        local body = ngx.req.get_body_data()
        if body then
            for uri in paths:gmatch("%S+") do
                local packed = pages:get(uri)
                if not packed or unpack_page(packed).generation <= generation then
                    keep(uri, tag, generation, ttl_ms, body)
                end
            end
        end
    end
    raise(tag, generation)
    return ngx.exit(ngx.HTTP_NO_CONTENT)
end

-- Counting in shared memory at each hit would cost more than the hit.
function M.count_every_second()
    ngx.timer.every(1, function()
        for outcome, count in pairs(counted) do
            if count > 0 then counters:incr(outcome, count, 0) end
            counted[outcome] = 0
        end
    end)
end

function M.show_counters()
    for outcome in pairs(counted) do
        ngx.say(outcome, " ", counters:get(outcome) or 0)
    end
end

return M
