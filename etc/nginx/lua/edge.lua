-- Public pages from nginx's own memory, exact after a commit: the hot pages of the site, and the
-- lists of documents that visitors without any credential read.
--
-- A page is kept with the generation of each tag that it depends on, under which Flask read it.
-- Writers raise generations here (`drop`) before they answer; a page with an older generation than
-- a current one is never sent (a newer one may be, while the news is still on its way). Within its
-- generations a page is fresh for as long as Flask said, then one request asks for it anew while
-- the others still get the old one, for GRACE at most.

local pages = ngx.shared.edge_pages
local generations = ngx.shared.edge_generations
local locks = ngx.shared.edge_locks
local passes = ngx.shared.edge_passes
local counters = ngx.shared.edge_counters

local GRACE = 0.3
local LOCK = 2
local WAIT = 2
local FILL = 5 -- an answer that took longer is not kept: MARK_MS in core/generations.py
local KNOWN = 60 -- far longer than FILL and any page's life
local PASS = 1
local MINE_BYTES = 4 * 1024 * 1024
local PAGE_BYTES = 64 * 1024
local ADDRESS_BYTES = 2048

-- The worker's own unpacked copies: a hit copies nothing out of shared memory.
local mine, mine_bytes = {}, 0
local counted = { hit = 0, stale = 0, fill = 0, wait = 0, pass = 0 }

local M = {}

local function remember(key, page)
    local size, old = #key + #page.body + 512, mine[key]
    if old then mine_bytes = mine_bytes - #key - #old.body - 512 end
    if mine_bytes + size > MINE_BYTES then mine, mine_bytes = {}, 0 end
    mine_bytes = mine_bytes + size
    mine[key] = page
    return page
end

-- "tag generation tag generation …" as two lists.
local function unpack_pairs(text)
    local tags, numbers = {}, {}
    for tag, generation in text:gmatch("(%S+) (%d+)") do
        tags[#tags + 1] = tag
        numbers[#numbers + 1] = tonumber(generation)
    end
    return tags, numbers
end

local function unpack_page(packed)
    local fresh_until, pairs_text, body = packed:match("^(%S+) ([^\n]*)\n(.*)$")
    fresh_until = tonumber(fresh_until)
    local tags, numbers = unpack_pairs(pairs_text)
    return {
        tags = tags,
        generations = numbers,
        fresh_until = fresh_until,
        dead_at = fresh_until + GRACE,
        body = body,
    }
end

local function is_current(page)
    local tags, numbers = page.tags, page.generations
    for i = 1, #tags do
        local known = generations:get(tags[i])
        if not known or numbers[i] < known then return false end
    end
    return true
end

-- The page, if it is of the current generations and not dead.
local function current(key, now)
    local page = mine[key]
    if page and now < page.fresh_until and is_current(page) then
        return page
    end
    local packed = pages:get(key)
    if not packed then return nil end
    page = remember(key, unpack_page(packed))
    if now < page.dead_at and is_current(page) then return page end
    return nil
end

local function with_lock(name, action)
    while not locks:add(name, true, LOCK) do ngx.sleep(0.001) end
    local ok, problem = pcall(action)
    locks:delete(name)
    if not ok then error(problem) end
end

-- What was raised without its new generation, or forgotten before its time, is not known any
-- more; whoever was asking Flask meanwhile does not keep the answer.
local function begin_epoch() counters:incr("epoch", 1, 0) end

-- Raise a tag's generation; it never goes back, whatever order the news arrives in. Answers
-- whether the one that is known by now is no newer.
local function raise(tag, generation)
    local seen = generations:get(tag)
    if seen and seen > generation then return false end
    if seen == generation then
        generations:expire(tag, KNOWN)
        return true
    end
    local is_newest
    with_lock("generation " .. tag, function()
        local known = generations:get(tag)
        is_newest = not known or known <= generation
        if is_newest then
            local _, _, forgot_another = generations:set(tag, generation, KNOWN)
            if forgot_another then begin_epoch() end
        end
    end)
    return is_newest
end

local function keep(key, pairs_text, ttl_ms, body)
    local fresh_until = ngx.now() + ttl_ms / 1000
    local packed = string.format("%.3f %s\n%s", fresh_until, pairs_text, body)
    pages:set(key, packed, ttl_ms / 1000 + GRACE)
end

-- Keep an answer under the generations with which Flask read it, unless one was raised since.
local function keep_answer(key, answer, began, epoch)
    local ttl_ms, pairs_text = (answer.header["X-Raindrop-Edge"] or ""):match("^(%d+) (.+)$")
    local may_be_kept = answer.status == ngx.HTTP_OK and ttl_ms and not answer.truncated
        and #answer.body <= PAGE_BYTES and ngx.now() - began <= FILL
    if not may_be_kept or counters:get("epoch") ~= epoch then return end
    local tags, numbers = unpack_pairs(pairs_text)
    for i = 1, #tags do
        if not raise(tags[i], numbers[i]) then return end
    end
    if counters:get("epoch") ~= epoch then return end
    keep(key, pairs_text, tonumber(ttl_ms), answer.body)
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
local function fill(key)
    local began, epoch = ngx.now(), counters:get("epoch")
    local answer = ngx.location.capture("/edge-fill")
    keep_answer(key, answer, began, epoch)
    if answer.header["X-Raindrop-Edge"] == "pass" then passes:set(key, true, PASS) end
    locks:delete(key)
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
local function await(key)
    local deadline, step = ngx.now() + WAIT, 0.001
    while ngx.now() < deadline do
        ngx.sleep(step)
        local page = current(key, ngx.now())
        if page then return page end
        if not locks:get(key) then return nil end
        step = math.min(step * 1.5, 0.01)
    end
    return nil
end

local function pass() counted.pass = counted.pass + 1 end

local function serve(key)
    local now = ngx.now()
    local page = current(key, now)
    if page and now < page.fresh_until then return send(page, "hit") end
    if passes:get(key) then return pass() end
    if locks:add(key, true, LOCK) then return fill(key) end
    if page then return send(page, "stale") end
    page = await(key)
    if page then return send(page, "wait") end
    return pass()
end

function M.serve()
    local var = ngx.var
    local uri = var.request_uri
    local is_hot = mine[uri] or var.is_hot_page ~= ""
    if not is_hot or var.is_anonymous == "" or var.request_method ~= "GET" then return pass() end
    return serve(uri)
end

-- A list of documents: what tells one answer from another is the address as it was sent, the
-- project, and the form of answers that the client library asks for.
function M.serve_list()
    local var = ngx.var
    local uri = var.request_uri
    if var.is_anonymous == "" or var.request_method ~= "GET" or #uri > ADDRESS_BYTES
        or var.http_origin or var.http_x_appwrite_mode then
        return pass()
    end
    local project = var.http_x_appwrite_project or ""
    local form = var.http_x_appwrite_response_format or ""
    if #project > 64 or #form > 32 then return pass() end
    return serve(project .. "\n" .. form .. "\n" .. uri)
end

-- Give new pages of one tag to those that ask for them.
local function take_pages(headers, tag, generation)
    ngx.req.read_body()
    local body = ngx.req.get_body_data()
    if not body then return end
    local ttl_ms = tonumber(headers["X-Ttl"])
    for uri in headers["X-Paths"]:gmatch("%S+") do
        local packed = pages:get(uri)
        if not packed or unpack_page(packed).generations[1] <= generation then
            keep(uri, string.format("%s %.0f", tag, generation), ttl_ms, body)
        end
    end
end

-- What changed: X-Tag holds tags, X-Generation the new generation of each, or nothing.
function M.drop()
    local headers = ngx.req.get_headers()
    local known = (headers["X-Generation"] or ""):gmatch("%d+")
    if not headers["X-Tag"] then return ngx.exit(ngx.HTTP_BAD_REQUEST) end
    for tag in headers["X-Tag"]:gmatch("%S+") do
        local text = known()
        local generation = text and tonumber(text)
        if generation then
            if (headers["X-Paths"] or "") ~= "" then take_pages(headers, tag, generation) end
            raise(tag, generation)
        else
            -- Redis did not say which: any other than the current one drops the pages.
            begin_epoch()
            generations:incr(tag, 1, 0, KNOWN)
        end
    end
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
