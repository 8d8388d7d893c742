// SPDX-License-Identifier: Apache-2.0
// The second half of a connection: how an exchange is answered and a connection ended.
#include "http/answer.hpp"
#include "http/connection.hpp"

#include <algorithm>
#include <chrono>
#include <sys/socket.h>

namespace lyceum::http {
namespace {

constexpr std::chrono::milliseconds linger_max{2'000};

} // namespace

std::string_view connection::connection_line(bool keep_alive, int minor) const noexcept {
  if (!keep_alive)
    return "Connection: close\r\n";
  return minor == 0 ? "Connection: keep-alive\r\n" : "";
}

/// For what is not a request, or cannot be read any further: an answer, and the end.
void connection::refuse(const refusal& why) {
  if (!busy_) {
    loop_.count.malformed.add();
    busy_ = std::make_unique<exchange>();
    busy_->began = std::chrono::steady_clock::now();
    busy_->id = loop_.next_id();
    busy_->asked.id = request_id(busy_->id);
  }
  busy_->reading = false;
  busy_->keep_alive = false;
  busy_->stale = nullptr;
  lingers_ = true;
  response no;
  no.status = why.status;
  respond(std::move(no));
}

void connection::respond(response&& what) {
  auto& x = *busy_;
  if (what.status < 200 || what.status > 599)
    what = answer_for({problem::kind::internal, {}});
  if (what.status >= 500 && x.stale) {
    const auto stale = x.stale;
    return respond_page(*stale, kept_as::stale);
  }
  x.keep_alive = x.keep_alive && !what.close;
  if (what.file)
    return respond_file(std::move(what));
  if (what.cache.what == cache_rule::kind::page || what.cache.what == cache_rule::kind::immutable) {
    const bool stale = what.kept == "stale", hit = what.kept == "hit";
    if (const auto made = make_page(std::move(what), std::string(x.route_name), x.asked.who))
      return respond_page(*made, stale ? kept_as::stale : hit ? kept_as::hit : kept_as::miss);
  }
  respond_plain(std::move(what));
}

void connection::respond_page(const page& what, kept_as kept) {
  const auto& x = *busy_;
  const auto none_match = x.asked.field("If-None-Match");
  const auto since = x.asked.field("If-Modified-Since");
  const bool unchanged = what.status == 200 && (!none_match.empty() ? matches_any(what, none_match)
                                                : !since.empty()    ? unmodified_since(what, since)
                                                                    : false);
  const auto& bytes = choose(what, x.accepted);
  const bool keep_alive = x.keep_alive && !loop_.shared.draining;
  const answer_start start{unchanged ? 304 : what.status, loop_.date_line(), connection_line(keep_alive, x.minor),
                           x.asked.id};
  auto text = start.text();
  const auto octets = unchanged ? bytes.head_304 : x.asked.head ? bytes.head : bytes.whole();
  const auto total = text.size() + octets.size();
  out_.add(std::move(text));
  out_.add(octets, what.shared_from_this());
  ending_ = !keep_alive;
  finish_exchange(start.status, total, kept);
}

void connection::respond_file(response&& what) {
  auto& x = *busy_;
  auto about = *what.file;
  what.file.reset();
  auto file = std::make_shared<open_file>(about.path);
  if (file->fd < 0) {
    what = answer_for({problem::kind::not_found, {}});
    return respond_plain(std::move(what));
  }
  if (file->bytes != about.bytes)
    about.etag.clear(); // it was replaced after its ETag was made
  if (about.modified == unix_time{})
    about.modified = std::min(file->modified, x.asked.now); // RFC 9110 8.8.2.1: never later than Date
  const auto plan = plan_file(x.asked, about, file->bytes);
  add_file_headers(what, about, plan, file->bytes);
  if (plan.status == 412 || plan.status == 416)
    return respond_plain(std::move(what));

  const bool keep_alive = x.keep_alive && !loop_.shared.draining;
  const answer_start start{plan.status, loop_.date_line(), connection_line(keep_alive, x.minor), x.asked.id};
  const auto length = plan.status == 304 ? std::nullopt : std::optional<std::uint64_t>(plan.part.length);
  auto text = answer_head(start, what, length);
  auto total = text.size();
  out_.add(std::move(text));
  if (length && !x.asked.head) {
    out_.add_file(std::move(file), plan.part.first, plan.part.length);
    total += *length;
  }
  ending_ = !keep_alive;
  finish_exchange(plan.status, total, kept_as::none);
}

void connection::respond_plain(response&& what) {
  const auto& x = *busy_;
  if (what.status >= 400 && what.body.empty())
    fill_error(what);
  const bool keep_alive = x.keep_alive && !loop_.shared.draining;
  const answer_start start{what.status, loop_.date_line(), connection_line(keep_alive, x.minor), x.asked.id};
  const bool bodiless = is_bodiless(what.status);
  auto text = answer_head(start, what, bodiless ? std::nullopt : std::optional<std::uint64_t>(what.body.size()));
  auto total = text.size();
  out_.add(std::move(text));
  if (!bodiless && !x.asked.head) {
    total += what.body.size();
    out_.add(std::move(what.body));
  }
  ending_ = !keep_alive;
  finish_exchange(what.status, total, x.row != nullptr && x.row->kept ? kept_as::miss : kept_as::none);
}

void connection::fill_error(response& what) {
  try {
    if (loop_.shared.config.error_page)
      what.body = loop_.shared.config.error_page(what.status, busy_->asked.method.empty() ? nullptr : &busy_->asked);
  } catch (const std::exception&) {
    loop_.count.faults.add(); // the plain text below stands in
  }
  if (!what.body.empty()) {
    what.content_type = "text/html; charset=utf-8";
    return;
  }
  what.content_type = "text/plain; charset=utf-8";
  auto line = status_line(what.status);
  line.remove_prefix(9);
  what.body = std::string(line.substr(0, line.size() - 2)) + "\n";
}

/// Forgets the exchange, and sends what the kernel takes.
void connection::finish_exchange(int status, std::uint64_t bytes, kept_as kept) {
  note_exchange(status, bytes, kept);
  busy_.reset();
  flush();
}

/// Counts and logs.
void connection::note_exchange(int status, std::uint64_t bytes, kept_as kept) {
  const auto took = std::chrono::steady_clock::now() - busy_->began;
  const auto us = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  auto& count = loop_.count;
  count.answered(status);
  count.took(us);
  if (kept == kept_as::hit)
    count.hits.add();
  else if (kept == kept_as::miss)
    count.misses.add();
  else if (kept == kept_as::stale)
    count.stale.add();
  log_entry entry;
  entry.time_us = loop_.now_us();
  entry.id = busy_->id;
  entry.bytes = bytes;
  entry.duration_us = us;
  entry.peer = peer_;
  entry.status = static_cast<std::uint16_t>(status);
  entry.cache = kept;
  entry.method = busy_->method;
  entry.target = busy_->asked.target;
  entry.route = busy_->route_name;
  loop_.log(entry);
}

/// True when nothing is left to send.
bool connection::flush() {
  if (stage_ == stage::closed)
    return false;
  std::uint64_t bytes = 0;
  const auto how = out_.send_to(socket_, bytes);
  loop_.count.bytes_sent.add(bytes);
  if (how == output::sent::failed) {
    cut();
    return false;
  }
  if (how == output::sent::some && stage_ == stage::writing)
    loop_.expect(*this, loop_.shared.config.limits.write); // progress
  return how == output::sent::all;
}

/// Ends the connection so that the client sees the last answer: closing with unread octets would reset it.
void connection::linger() {
  if (!lingers_)
    return cut();
  if (stage_ != stage::lingering) {
    stage_ = stage::lingering;
    std::string().swap(in_);
    shutdown(socket_, SHUT_WR);
    loop_.expect(*this, linger_max);
  }
  wait(watch::octets);
}

} // namespace lyceum::http
