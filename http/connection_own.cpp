// SPDX-License-Identifier: Apache-2.0
// What a loop answers by itself, whatever the actors do: its own routes, and streams of events.
#include "http/answer.hpp"
#include "http/connection.hpp"

#include "actors/page.hpp"

#include <algorithm>
#include <sys/socket.h>

namespace lyceum::http {
namespace {

constexpr std::size_t talk_bytes_max = 4 * 1024; // of a client that talks into its own stream

bool is_at(std::string_view pattern, std::string_view path) {
  if (pattern.ends_with('*'))
    return path.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == path;
}

response text_of_own(int status, const char* name, std::string value) {
  response made;
  made.status = status;
  made.headers.push_back({name, std::move(value)});
  return made;
}

} // namespace

/// Between a producer's thread and a connection: at most one frame is on its way.
struct viewing {
  struct letter_box {
    std::atomic<bool> under_way = false;
    std::atomic<bool> missed = true; ///< the first frame is a whole one
  };
  std::shared_ptr<broadcast> from;
  std::shared_ptr<letter_box> box = std::make_shared<letter_box>();
  std::optional<std::uint64_t> seat;
  std::chrono::steady_clock::time_point until;
  std::size_t talked = 0;

  ~viewing() {
    if (seat)
      from->leave(*seat);
  }
};

exchange::exchange() = default;
exchange::~exchange() = default;

/// What a loop's own route says; a surprise there is this visitor's 500.
response connection::answer_of(const io_route& which) {
  try {
    return which.answer(busy_->asked);
  } catch (const std::exception&) {
    loop_.count.faults.add();
    return answer_for({problem::kind::internal, {}});
  }
}

void connection::refuse_body(const head& asked) {
  if (asked.has_body()) { // unread: what follows would be taken for a request
    busy_->keep_alive = false;
    lingers_ = true;
  }
}

void connection::answer_unread(const head& asked, response&& what) {
  refuse_body(asked);
  respond(std::move(what));
}

/// False where the path is none of the loops' own.
bool connection::find_own(const head& asked) {
  auto& x = *busy_;
  const auto& all = loop_.shared.config.io_routes;
  const auto found = std::ranges::find_if(all, [&](const io_route& one) { return is_at(one.path, x.asked.path); });
  if (found == all.end())
    return false;
  x.route_name = found->path;
  if (x.asked.method == "GET" && found->stream) {
    open_stream(asked, *found);
  } else if (x.asked.method == "GET" && found->personal && x.who.what == visitor::is::unknown && !asked.has_body()) {
    ask_who(&*found);
  } else if (x.asked.method == "GET" && found->answer) {
    if (found->personal)
      note_use(x.who);
    answer_unread(asked, answer_of(*found));
  } else if (x.asked.method == "GET" && found->answer_later) {
    refuse_body(asked);
    answer_later(found->answer_later);
  } else if (x.asked.method == "POST" && found->act) {
    x.own = &*found;
    if (!asked.has_body())
      act();
    else
      expect_body(asked, found->body_bytes_max);
  } else {
    const bool reads = found->answer || found->answer_later || found->stream;
    std::string allow = reads ? "GET, HEAD, OPTIONS" : "OPTIONS";
    allow += found->act ? ", POST" : "";
    answer_unread(asked, text_of_own(x.asked.method == "OPTIONS" ? 204 : 405, "Allow", std::move(allow)));
  }
  return true;
}

/// The body is here.
void connection::act() {
  answer_later(busy_->own->act);
}

/// The route may answer at once, or later from another thread.
void connection::answer_later(const std::function<void(const request&, reply_ptr)>& how) {
  auto& x = *busy_;
  auto reply =
      std::make_shared<reply_slot>([gate = loop_.gate, whose = weak_from_this(), id = x.id](response&& answer) {
        gate->post([whose, id, answer = std::move(answer)]() mutable {
          if (const auto to = whose.lock())
            to->answered(id, std::move(answer));
        });
      });
  x.reply = reply;
  stage_ = stage::answering;
  loop_.expect(*this, loop_.shared.config.limits.answer);
  try {
    how(x.asked, reply);
  } catch (const std::exception&) {
    loop_.count.faults.add();
    reply->fulfil(answer_for({problem::kind::internal, {}}));
  }
}

// ---- streams

void connection::open_stream(const head& asked, const io_route& which) {
  auto& x = *busy_;
  auto opened = [&]() -> std::variant<response, stream_opening> {
    try {
      return which.stream(x.asked);
    } catch (const std::exception&) {
      loop_.count.faults.add();
      return answer_for({problem::kind::internal, {}});
    }
  }();
  if (auto* no = std::get_if<response>(&opened))
    return answer_unread(asked, std::move(*no));
  if (x.asked.head || asked.has_body()) { // a body is not expected: its octets would be taken for a request
    response made;
    made.status = x.asked.head ? 200 : 400;
    made.content_type = "text/event-stream";
    return answer_unread(asked, std::move(made));
  }
  auto& how = std::get<stream_opening>(opened);
  auto view = std::make_shared<viewing>();
  view->from = std::move(how.from);
  view->until = how.until;
  const auto post = [gate = loop_.gate, whose = weak_from_this(), id = x.id, box = view->box](const frame_ptr& change,
                                                                                              const frame_ptr& whole) {
    if (whole && box->under_way.exchange(true)) {
      box->missed = true; // the loop has not even taken the one before
      return;
    }
    gate->post([whose, id, box, change, whole] {
      if (whole)
        box->under_way = false;
      if (const auto to = whose.lock())
        to->frame(id, change, whole);
    });
  };
  if (!loop_.shared.draining)
    view->seat = view->from->join(std::move(how.whose), post);
  if (!view->seat)
    return respond(text_of_own(503, "Retry-After", "5"));

  // What the kernel holds for a client that does not read is bounded too.
  const int kernel_bytes = static_cast<int>(broadcast::buffer_bytes_max);
  setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &kernel_bytes, sizeof kernel_bytes);
  // The end of the connection is the end of the stream: right for every version of HTTP/1, and for proxies that do not buffer.
  const answer_start start{200, loop_.date_line(), connection_line(false, x.minor), x.asked.id};
  auto text = start.text();
  text.append(common_header_lines_for("text/event-stream"));
  text.append(
      "Content-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n\r\nretry: 2000\n\n");
  x.keep_alive = false;
  x.stream = std::move(view);
  note_exchange(200, text.size(), kept_as::none);
  out_.add(std::move(text));
  flush();
}

void connection::frame(std::uint64_t exchange, const frame_ptr& change, const frame_ptr& whole) {
  if (stage_ == stage::closed || !busy_ || busy_->id != exchange || !busy_->stream)
    return;
  loop_.guarded(*this, [&] {
    auto& view = *busy_->stream;
    if (!whole || std::chrono::steady_clock::now() > view.until)
      return cut();
    const auto& next_one = view.box->missed.exchange(false) ? whole : change;
    if (out_.left() + next_one->size() > broadcast::buffer_bytes_max) {
      view.box->missed = true;
      loop_.count.frames_dropped.add();
      return;
    }
    out_.add(*next_one, next_one);
    flush();
    next();
  });
}

/// A stream with nothing to send waits for the next frame, and for the client's end.
void connection::wait_stream() {
  stage_ = stage::streaming;
  loop_.expect(*this, loop_.shared.config.limits.stream_quiet);
  wait(watch::octets);
}

void connection::still_here() {
  out_.add(std::string(": still here\n\n"));
  flush();
  next();
}

/// Whatever a client says into its stream is not heard; one that goes on is cut.
void connection::overhear(std::size_t octets) {
  busy_->stream->talked += octets;
  if (busy_->stream->talked > talk_bytes_max)
    return cut();
  wait(watch::octets);
}

void connection::drain() {
  if (busy_ && busy_->stream)
    return cut(); // the browser asks again, and reaches whoever serves then
  hurry(farewell);
}

} // namespace lyceum::http
