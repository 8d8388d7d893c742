// SPDX-License-Identifier: Apache-2.0
// One visitor's connection: octets in, answers out, in order.
#pragma once

#include "actors/exchange.hpp"
#include "http/admission.hpp"
#include "http/chunked.hpp"
#include "http/loop.hpp"
#include "http/output.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lyceum::http {

struct viewing;

/// Who sent a request, as far as the session table knows.
struct visitor {
  enum class is {
    guest,
    somebody, ///< brought a token, and nobody has looked yet whose it is: what is alike for all needs no look
    known,
    unknown, ///< a token whose session is not in the table: the database has to be asked
  };
  is what = is::guest;
  std::string_view token; ///< of `somebody`, in the octets of the request
  session_hash hash{};
  known_session session;
};

/// A request that is not a hit, while it is read and answered. At most one a connection: what is pipelined behind it
/// waits.
struct exchange {
  exchange();
  ~exchange();

  std::uint64_t id = 0;
  request asked; ///< without its body, once a job has it
  const route* row = nullptr;
  const io_route* own = nullptr;   ///< a loop's own, that takes a body
  std::shared_ptr<viewing> stream; ///< it is being answered by events, until the connection ends
  visitor who;
  std::shared_ptr<identity> asking;    ///< what the database answers, while it is asked who this is
  const io_route* for_known = nullptr; ///< what answers once that is known; null: a page
  std::string key;                     ///< of the page table, for this visitor's tier; empty: not kept
  std::string alike_key;               ///< where a page stands that is alike for every tier
  page_ptr stale;                      ///< what to send where nothing better comes in time
  std::string lead_key; ///< this page is stale, and this exchange was told to see to a new one; empty: it was not
  bool keep_alive = false;
  int minor = 1;
  unsigned accepted = 0;       ///< encodings
  std::string_view method;     ///< a literal
  std::string_view route_name; ///< for the log
  std::chrono::steady_clock::time_point began;
  std::weak_ptr<reply_slot> reply; ///< weak: a slot that everyone else has dropped must answer 503 at once

  bool reading = false;        ///< its body is still coming
  std::uint64_t body_left = 0; ///< of Content-Length
  std::optional<chunked_decoder> chunks;
  std::chrono::steady_clock::time_point body_began;
};

/// Lives until `close`: handlers and `self_` hold it. Everything runs on its loop's thread.
class connection final : public std::enable_shared_from_this<connection>, public timed {
public:
  /// While draining, an idle connection has this long to send a last request, which is told `Connection: close`.
  static constexpr std::chrono::milliseconds farewell{1'000};

  connection(loop&, int fd, const ip_address& peer, bool loopback);
  ~connection();

  void start();
  void expired();                                ///< its deadline has come
  void hurry(std::chrono::milliseconds at_most); ///< an idle one ends so soon
  void drain();                                  ///< the server is about to end
  void cut() noexcept;                           ///< ends now
  void event();                                  ///< the loop's watch says that its socket has something
  void answered(std::uint64_t exchange, response&&);
  void frame(std::uint64_t exchange, const frame_ptr& change, const frame_ptr& whole); ///< null: the stream ends
  loop& loop_of() noexcept { return loop_; }

private:
  enum class stage { idle, header, body, answering, writing, closed, lingering, streaming };

  void wait(std::uint32_t for_what);
  void on_ready(bool readable);
  void on_readable();
  void take(std::size_t octets);
  std::size_t consume(std::string_view arrived);
  void next();

  void serve(std::string_view header);
  void hit(const head&, const page&, bool keep_alive);
  void begin(const head&, bool keep_alive, const page* stale, std::string_view stale_key, const visitor& who);
  void find_route(const head&);

  visitor recognise(const head&) const;
  void look_at(visitor& who) const;
  page_table::found find_page(visitor& who, std::string_view target, std::string_view& key);
  void note_use(const visitor& who);
  void take_visitor(const visitor& who);
  void ask_who(const io_route* then);
  void heard_who(const response& how);
  void find_kept();
  job_ptr make_job(reply_ptr reply) const;
  reply_ptr make_reply(std::string lead_key);
  void expect_body(const head&, std::uint64_t bytes_max);
  bool find_own(const head&);
  void answer_unread(const head&, response&&);
  void refuse_body(const head&);
  response answer_of(const io_route&);
  void act();
  void answer_later(const std::function<void(const request&, reply_ptr)>& how);
  void open_stream(const head&, const io_route&);
  void wait_stream();
  void still_here();
  void overhear(std::size_t octets);
  std::size_t read_body(std::string_view arrived);
  void enter();

  void refuse(const refusal&);
  void respond(response&&);
  void respond_page(const page&, kept_as);
  void respond_file(response&&);
  void respond_plain(response&&);
  void fill_error(response&);
  void note_exchange(int status, std::uint64_t bytes, kept_as);
  void finish_exchange(int status, std::uint64_t bytes, kept_as);

  bool flush_hits();
  bool flush();
  void linger();
  void give_up(stage from);
  std::string_view connection_line(bool keep_alive, int minor) const noexcept;
  bool is_local(const head&) const;

  loop& loop_;
  int socket_;
  std::uint32_t watched_ = 0; ///< what the loop's watch looks for; stays so between requests, which costs no call
  std::uint32_t awaited_ = 0; ///< what this connection waits for now; 0 while an answer is being made
  std::shared_ptr<connection> self_;
  ip_address peer_;
  bool loopback_;
  bool ending_ = false;  ///< nothing more is read as a request
  bool lingers_ = false; ///< there may be unread octets, which would turn a close into a reset
  stage stage_ = stage::idle;
  std::size_t requests_ = 0;
  std::size_t drained_ = 0;
  head_scan scan_;
  std::string in_; ///< of a request that came in pieces, or behind one that is being answered
  std::unique_ptr<exchange> busy_;
  output out_; ///< what the kernel did not take at once
};

} // namespace lyceum::http
