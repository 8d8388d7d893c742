// SPDX-License-Identifier: Apache-2.0
#include "http/connection.hpp"

#include "http/answer.hpp"
#include "http/cookies.hpp"
#include "http/target.hpp"
#include "storage/secrets.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace lyceum::http {
namespace {

constexpr std::size_t linger_bytes_max = 256 * 1024;
constexpr std::chrono::milliseconds body_look{1'000};

} // namespace

connection::connection(loop& of, int fd, const ip_address& peer, bool loopback)
    : loop_(of), socket_(fd), peer_(peer), loopback_(loopback) {
  scan_.fields_max = of.shared.config.limits.header_bytes;
}

connection::~connection() {
  if (stage_ != stage::closed)
    close(socket_);
}

void connection::start() {
  self_ = shared_from_this();
  on_readable(); // its first request has mostly come with it: then it need not be waited for
}

void connection::cut() noexcept {
  if (stage_ == stage::closed)
    return;
  stage_ = stage::closed;
  unlink();
  loop_.watched.forget(socket_, watched_ != 0);
  close(socket_);
  busy_.reset();
  loop_.gone(peer_);
  const auto last = std::move(self_); // whoever called holds another
}

// ---- waiting

void connection::wait(std::uint32_t for_what) {
  awaited_ = for_what;
  if (watched_ == for_what)
    return;
  loop_.watched.look_for(socket_, for_what, *this, watched_ != 0);
  watched_ = for_what;
}

void connection::event() {
  if (awaited_ == 0) { // octets, or a reset, while an answer is being made: their time comes
    loop_.watched.forget(socket_, true);
    watched_ = 0;
    return;
  }
  const bool readable = std::exchange(awaited_, 0) == watch::octets;
  on_ready(readable);
}

/// Decides what this connection waits for. Every path through a handler ends here.
void connection::next() {
  const auto& limits = loop_.shared.config.limits;
  if (stage_ == stage::closed)
    return;
  if (!out_.empty()) {
    if (stage_ != stage::writing)
      loop_.expect(*this, limits.write);
    stage_ = stage::writing;
    return wait(watch::room);
  }
  if (ending_)
    return linger();
  if (busy_ && !busy_->reading) {
    if (busy_->stream)
      wait_stream();
    return; // the answer comes by itself
  }
  if (busy_) {
    if (stage_ != stage::body)
      loop_.expect(*this, std::min(body_look, limits.body));
    stage_ = stage::body;
  } else if (!in_.empty()) {
    if (stage_ != stage::header)
      loop_.expect(*this, limits.header);
    stage_ = stage::header;
  } else {
    stage_ = stage::idle;
    loop_.expect(*this, loop_.shared.draining ? farewell : loop_.shared.crowded() ? limits.idle_crowded : limits.idle);
  }
  wait(watch::octets);
}

void connection::hurry(std::chrono::milliseconds at_most) {
  if (stage_ != stage::idle)
    return;
  const auto before = due;
  loop_.expect(*this, at_most);
  due = std::min(due, before);
}

void connection::expired() {
  const auto& limits = loop_.shared.config.limits;
  switch (stage_) {
  case stage::closed:
    return;
  case stage::answering:
    return give_up(stage_);
  case stage::body: {
    const auto took = std::chrono::steady_clock::now() - busy_->body_began;
    const auto seconds = std::chrono::duration<double>(took).count();
    const bool slow = took > limits.body_grace && static_cast<double>(busy_->asked.body.size()) <
                                                      seconds * static_cast<double>(limits.body_rate_min);
    if (took <= limits.body && !slow)
      return loop_.expect(*this, body_look);
    return give_up(stage_);
  }
  case stage::header:
    return give_up(stage_);
  case stage::streaming:
    return still_here();
  case stage::idle:
  case stage::writing:
  case stage::lingering:
    if (stage_ == stage::writing)
      loop_.count.timeouts.add();
    return cut();
  }
}

void connection::give_up(stage from) {
  if (from != stage::answering) {
    loop_.count.timeouts.add();
    refuse({408, "too slow"});
    return next();
  }
  const auto reply = busy_->reply.lock();
  if (busy_->stale) {
    if (reply)
      loop_.mind(reply);
    const auto stale = busy_->stale;
    respond_page(*stale, kept_as::stale);
  } else {
    loop_.count.late.add();
    if (reply)
      reply->fulfil(answer_for({problem::kind::timeout, {}})); // so that nobody works on it any more
    respond(answer_for({problem::kind::timeout, {}}));
  }
  take(0);
}

void connection::on_ready(bool readable) {
  if (readable)
    return on_readable();
  if (flush())
    return take(0);
  if (stage_ != stage::closed)
    wait(watch::room);
}

void connection::on_readable() {
  const auto n = recv(socket_, loop_.buffer.get(), loop::buffer_bytes, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return next();
  if (n <= 0)
    return cut();
  if (stage_ >= stage::lingering) {
    if (stage_ == stage::streaming)
      return overhear(static_cast<std::size_t>(n));
    drained_ += static_cast<std::size_t>(n);
    return drained_ > linger_bytes_max ? cut() : wait(watch::octets);
  }
  take(static_cast<std::size_t>(n));
}

/// Reads requests from what has come (`octets` of the loop's buffer) and what was left before.
void connection::take(std::size_t octets) {
  const std::string_view fresh(loop_.buffer.get(), octets);
  if (in_.empty()) {
    const auto used = consume(fresh);
    in_.assign(fresh.substr(used));
  } else {
    in_.append(fresh);
    in_.erase(0, consume(in_));
    if (in_.empty())
      std::string().swap(in_);
  }
  next();
}

// ---- reading

std::size_t connection::consume(std::string_view arrived) {
  std::size_t used = 0;
  loop_.ready.clear();
  while (stage_ != stage::closed && out_.empty() && !ending_) {
    const auto rest = arrived.substr(used);
    if (busy_) {
      if (!busy_->reading || rest.empty())
        break;
      used += read_body(rest);
      continue;
    }
    if (rest.empty())
      break;
    const auto found = scan_.look(rest);
    if (found.no) {
      if (flush_hits())
        refuse(*found.no);
      break;
    }
    if (found.size == 0)
      break;
    const auto skipped = scan_.skipped;
    scan_ = {.fields_max = scan_.fields_max};
    used += found.size;
    stage_ = stage::idle; // the next header has its own time
    lingers_ = used < arrived.size();
    serve(rest.substr(skipped, found.size - skipped));
  }
  flush_hits();
  return used;
}

void connection::serve(std::string_view header) {
  head asked;
  if (const auto no = admit(header, asked)) {
    if (flush_hits())
      refuse(*no);
    return;
  }
  loop_.count.requests.add();
  const auto& shared = loop_.shared;
  const bool keep_alive = asked.keep_alive && ++requests_ < shared.config.limits.requests_a_connection &&
                          !shared.draining.load(std::memory_order_relaxed);
  auto who = recognise(asked);
  page_table::found found;
  std::string_view key;
  if (!asked.has_body() && (asked.method == "GET" || asked.method == "HEAD")) {
    found = find_page(who, asked.target, key);
    if (found.what != nullptr && !found.lead) {
      note_use(who);
      return hit(asked, *found.what, keep_alive);
    }
  }
  look_at(who);
  if (flush_hits())
    begin(asked, keep_alive, found.what, key, who);
}

void connection::hit(const head& asked, const page& what, bool keep_alive) {
  const bool head_only = asked.method == "HEAD";
  const bool unchanged =
      what.status == 200 && (!asked.if_none_match.empty()       ? matches_any(what, asked.if_none_match)
                             : !asked.if_modified_since.empty() ? unmodified_since(what, asked.if_modified_since)
                                                                : false);
  const auto& bytes = choose(what, asked.accept_encoding.empty() ? 0 : accepted_encodings(asked.accept_encoding));
  const int status = unchanged ? 304 : what.status;
  loop_.count.hits.add();
  if (unchanged)
    loop_.count.not_modified.add();
  loop_.count.answered(status);
  loop_.ready.add(loop_.start_line(status), connection_line(keep_alive, asked.minor),
                  unchanged   ? bytes.head_304
                  : head_only ? bytes.head
                              : bytes.whole(),
                  &what,
                  {asked.target, head_only ? std::string_view("HEAD") : std::string_view("GET"), what.route, 0,
                   static_cast<std::uint16_t>(status)},
                  unchanged || head_only ? nullptr : &bytes);
  ending_ = !keep_alive;
  if (loop_.ready.full())
    flush_hits();
}

/// Sends what is gathered. False where the connection is gone, or the kernel took only a part.
bool connection::flush_hits() {
  auto& ready = loop_.ready;
  if (ready.empty())
    return stage_ != stage::closed && out_.empty();
  const bool alive = ready.send_to(socket_, *loop_.pages, out_);
  loop_.count.bytes_sent.add(ready.total());
  if (loop_.shared.log)
    for (const auto& one : ready) {
      log_entry entry;
      entry.time_us = loop_.now_us();
      entry.bytes = one.bytes;
      entry.peer = peer_;
      entry.status = one.status;
      entry.cache = kept_as::hit;
      entry.method = one.method;
      entry.target = one.target;
      entry.route = one.route;
      loop_.log(entry);
    }
  ready.clear();
  if (!alive)
    cut();
  return stage_ != stage::closed && out_.empty();
}

// ---- a request that is not a hit

void connection::begin(const head& asked, bool keep_alive, const page* stale, std::string_view stale_key,
                       const visitor& who) {
  busy_ = std::make_unique<exchange>();
  auto& x = *busy_;
  x.began = std::chrono::steady_clock::now();
  x.id = loop_.next_id();
  x.keep_alive = keep_alive;
  x.minor = asked.minor;
  x.accepted = accepted_encodings(asked.accept_encoding);
  if (stale != nullptr) {
    x.stale = loop_.pages->hold(stale);
    x.lead_key = stale_key;
  }
  static constexpr std::string_view methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  x.method = *std::ranges::find(methods, asked.method);

  auto& r = x.asked;
  r.head = asked.method == "HEAD";
  r.method = r.head ? "GET" : std::string(asked.method);
  r.target = asked.target;
  r.peer = peer_.text();
  r.now = now_utc();
  r.id = request_id(x.id);
  for_each_field(asked, [&](std::string_view name, std::string_view value) {
    r.headers.push_back({std::string(name), std::string(value)});
  });
  r.local = is_local(asked);
  if (const auto token = find_cookie(asked.cookie, loop_.shared.config.session_cookie);
      token && storage::secrets::is_token(*token))
    r.session = storage::secrets::hash_of_token(*token);
  take_visitor(who);
  find_route(asked);
}

/// Answers what needs no handler; else goes on to the body, or to the door.
void connection::find_route(const head& asked) {
  auto& x = *busy_;
  const auto answer = [&](response&& what) { answer_unread(asked, std::move(what)); };
  if (asked.target == "*") {
    response all;
    all.status = 204;
    all.headers.push_back({"Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"});
    return answer(std::move(all));
  }
  auto read = read_target(asked.target);
  if (!read)
    return answer(answer_for(read.error()));
  x.asked.path = std::move(read->path);
  x.asked.query = std::move(read->query);

  if (find_own(asked))
    return;
  auto found = loop_.shared.routes.find(x.asked.method, x.asked.path);
  using kind = router::found::kind;
  if (found.what == kind::nothing || (found.what == kind::route && found.row->allowed == who::local && !x.asked.local))
    return answer(answer_for({problem::kind::not_found, {}}));
  if (found.what == kind::options || found.what == kind::method) {
    response other;
    other.status = found.what == kind::options ? 204 : 405;
    other.headers.push_back({"Allow", found.allow});
    return answer(std::move(other));
  }
  if (found.what == kind::moved) {
    const auto question = asked.target.find('?');
    response moved;
    moved.status = 308;
    moved.headers.push_back(
        {"Location",
         found.location + std::string(question == std::string_view::npos ? "" : asked.target.substr(question))});
    return answer(std::move(moved));
  }

  x.row = found.row;
  x.route_name = found.row->pattern;
  x.asked.params = std::move(found.params);
  x.asked.language = std::move(found.language);
  if ((x.row->kept || x.row->personal) && !asked.has_body() && x.who.what == visitor::is::unknown)
    return ask_who(nullptr);
  if (x.row->kept && !asked.has_body())
    return find_kept();
  if (!asked.has_body())
    return enter();
  expect_body(asked, x.row->body_max);
}

void connection::expect_body(const head& asked, std::uint64_t body_max) {
  auto& x = *busy_;
  if (asked.content_length.value_or(0) > body_max)
    return answer_unread(asked, answer_for({problem::kind::too_large, {}}));
  x.reading = true;
  x.body_began = x.began;
  x.body_left = asked.content_length.value_or(0);
  if (asked.chunked)
    x.chunks.emplace(body_max);
  if (asked.expects_continue && !lingers_) { // else the body has begun to come: it is not being waited for
    out_.add(std::string("HTTP/1.1 100 Continue\r\n\r\n"));
    flush();
  }
}

std::size_t connection::read_body(std::string_view arrived) {
  auto& x = *busy_;
  std::size_t used = 0;
  if (x.chunks) {
    used = x.chunks->feed(arrived, x.asked.body);
    using state = chunked_decoder::state;
    switch (x.chunks->now()) {
    case state::more:
      return used;
    case state::malformed:
      refuse({400, "a malformed chunked body"});
      return used;
    case state::too_large:
      refuse({413, "the body is too large"});
      return used;
    case state::done:
      break;
    }
  } else {
    used = static_cast<std::size_t>(std::min<std::uint64_t>(x.body_left, arrived.size()));
    x.asked.body.append(arrived.substr(0, used));
    x.body_left -= used;
    if (x.body_left != 0)
      return used;
  }
  x.reading = false;
  lingers_ = used < arrived.size();
  enter();
  return used;
}

void connection::enter() {
  auto& x = *busy_;
  if (x.own != nullptr)
    return act();
  const auto& limits = loop_.shared.config.limits;
  auto reply = make_reply(x.lead_key);
  x.reply = reply;
  auto work = make_job(std::move(reply));
  work->asked.body = std::move(x.asked.body);
  work->run = x.row->run;
  work->needs = x.row->needs;
  work->cache_key = x.key;
  work->alike_key = x.alike_key;
  work->route = x.row->pattern;
  stage_ = stage::answering;
  loop_.expect(*this, x.stale ? limits.stale_after : limits.answer);
  if (x.key.empty() || loop_.shared.flying.board(work))
    loop_.shared.way_in.enter(std::move(work));
}

/// The way back to this exchange. `lead_key`: the page whose new version it waits for.
reply_ptr connection::make_reply(std::string lead_key) {
  return std::make_shared<reply_slot>([gate = loop_.gate, whose = weak_from_this(), id = busy_->id, where = &loop_,
                                       key = std::move(lead_key)](response&& answer) {
    gate->post([whose, id, where, key, answer = std::move(answer)]() mutable {
      if (!key.empty() && answer.status >= 500)
        where->shared.pages.lead_failed(key, std::chrono::seconds(1));
      if (const auto to = whose.lock())
        to->answered(id, std::move(answer));
    });
  });
}

/// The request without its body, on its way.
job_ptr connection::make_job(reply_ptr reply) const {
  auto& x = *busy_;
  auto body = std::exchange(x.asked.body, {});
  auto work = std::make_shared<job>();
  work->asked = x.asked;
  x.asked.body = std::move(body);
  work->deadline = std::chrono::steady_clock::now() + loop_.shared.config.limits.answer;
  work->reply = std::move(reply);
  return work;
}

void connection::answered(std::uint64_t exchange, response&& what) {
  if (stage_ == stage::closed || !busy_ || busy_->id != exchange || busy_->reading)
    return; // a deadline, or a stale page, was faster
  loop_.guarded(*this, [&] {
    loop_.look_at_clock();
    if (busy_->asking)
      heard_who(what);
    else
      respond(std::move(what));
    take(0);
  });
  loop_.pages->quiet();
}

bool connection::is_local(const head& asked) const {
  if (!loopback_ || !loop_.shared.config.local_allowed)
    return false;
  if (!iequals(asked.host, "localhost") && asked.host != "127.0.0.1" && asked.host != "[::1]")
    return false;
  return std::ranges::none_of(busy_->asked.headers, [](const header& h) {
    return iequals(h.name, "Forwarded") || iequals(h.name, "Via") ||
           (h.name.size() > 12 && iequals(std::string_view(h.name).substr(0, 12), "X-Forwarded-"));
  });
}

} // namespace lyceum::http
