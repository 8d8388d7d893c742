// SPDX-License-Identifier: Apache-2.0
// The front end: sockets in, answers out. Nothing of Asio is seen here.
#pragma once

#include "actors/exchange.hpp"
#include "actors/flights.hpp"
#include "actors/page_table.hpp"
#include "actors/session_table.hpp"
#include "http/broadcast.hpp"
#include "http/router.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace lyceum::http {

/// Whose session it is.
struct identity {
  known_session session; ///< account 0: nobody's
  viewer who;
};

/// What a visitor may ask for, in time and bytes. Each is met by a case in tests/http.
struct front_limits {
  std::size_t connections_max = 16384; ///< over all loops (less where the process may open fewer files); more get 503
  std::size_t connections_an_address = 256; ///< 0: no cap
  bool loopback_exempt = true;              ///< from `connections_an_address`
  std::size_t requests_a_connection = 1000;
  std::size_t header_bytes = 32 * 1024;           ///< all fields of a request; then 431
  std::chrono::milliseconds header{10'000};       ///< whole header, from its first octet
  std::chrono::milliseconds idle{30'000};         ///< between requests
  std::chrono::milliseconds idle_crowded{5'000};  ///< the same where more than 80 % of `connections_max` are open
  std::chrono::milliseconds body{60'000};         ///< whole body
  std::chrono::milliseconds body_grace{10'000};   ///< after it, at least `body_rate_min` on average
  std::size_t body_rate_min = 500;                ///< bytes a second
  std::chrono::milliseconds write{30'000};        ///< without progress
  std::chrono::milliseconds answer{4'000};        ///< then 504
  std::chrono::milliseconds stale_after{1'000};   ///< then the stale page, where there is one
  std::chrono::milliseconds stream_quiet{15'000}; ///< a stream of events with nothing to say says so
};

/// A stream of events, as a route opens it.
struct stream_opening {
  std::shared_ptr<broadcast> from;
  std::string whose;                           ///< see `broadcast::end`
  std::chrono::steady_clock::time_point until; ///< it ends with the first frame after that: the browser asks again
};

/// A path that a loop answers by itself, so that it works whatever the actors do. Its functions run on the loop: they must be
/// quick, and may throw (that is a 500).
struct io_route {
  std::string path;                                 ///< exactly; one that ends in '*' stands for all that begin like it
  std::function<response(const request&)> answer{}; ///< GET and HEAD
  /// GET and HEAD in the place of `answer`, answered later, by any thread, within `front_limits::answer`: for what a database has to be
  /// asked.
  std::function<void(const request&, reply_ptr)> answer_later{};
  /// POST, with a body of at most `body_bytes_max`. The slot may be fulfilled later, by any thread, within `front_limits::answer`.
  std::function<void(const request&, reply_ptr)> act{};
  /// GET in the place of `answer`: a stream of events, or the answer that refuses it. Ended when draining begins, when the client
  /// has taken nothing for `front_limits::write`, and where it talks.
  std::function<std::variant<response, stream_opening>(const request&)> stream{};
  /// `answer` is told who asks: where the session table does not know, the database is asked first.
  bool personal = false;
  std::size_t body_bytes_max = std::size_t{8} * 1024; ///< of a POST; one more is 413
};

struct front_config {
  /// Sockets that listen already (LISTEN_FDS). They stay the caller's and open. Socket i is accepted by loop i mod
  /// threads.
  std::vector<int> sockets;
  /// Opened where `sockets` is empty: "127.0.0.1:8080", "[::1]:0". One SO_REUSEPORT socket for each loop.
  std::vector<std::string> listen;
  unsigned threads = 0; ///< I/O loops; 0: one a core
  front_limits limits;
  session_table* sessions = nullptr; ///< null: nobody is signed in. Outlives the front
  /// Asks the database whose session this is (its token's hash, 64 hexadecimal digits), and puts it in the table. Called by database
  /// workers.
  std::function<identity(const std::string& session, storage::db*, unix_time now)> identify;
  std::string session_cookie = "session"; ///< name of the cookie that holds a session's token: see session_cookie_name
  bool local_allowed = true;              ///< false where the base URL is not loopback: no request is `local` then
  std::string access_log = "off";         ///< "off", "stdout" or a file
  std::size_t access_log_bytes_max = 64u << 20; ///< of one file
  std::size_t access_log_files_max = 4;         ///< with the one being written: FILE, FILE.1 … FILE.3
  /// The HTML of an error page; null request: the octets were not a request. Any thread; where it throws, a plain text
  /// stands in.
  std::function<std::string(int status, const request*)> error_page;
  std::vector<io_route> io_routes;
};

/// Counters since start, summed over the loops when asked.
struct front_stats {
  std::uint64_t accepted = 0, open = 0, refused_crowded = 0, refused_address = 0;
  std::uint64_t requests = 0;
  std::array<std::uint64_t, 6> by_class{};                         ///< [2]: answers 200–299
  std::uint64_t hits = 0, not_modified = 0, misses = 0, stale = 0; ///< `not_modified` are among the hits
  std::uint64_t malformed = 0;                                     ///< refused by admission
  std::uint64_t timeouts = 0;                                      ///< connections ended by a deadline
  std::uint64_t late = 0;                                          ///< answers that did not come within `limits.answer`
  std::uint64_t faults = 0;                                        ///< exceptions that ended a connection
  std::uint64_t bytes_sent = 0;
  std::uint64_t log_dropped = 0;    ///< access log lines that found no room
  std::uint64_t frames_dropped = 0; ///< of event streams whose client was behind
  /// Requests that were not hits, by duration: [i] took at most `latency_bounds_us[i]`, the last one longer.
  static constexpr std::array<std::uint64_t, 12> latency_bounds_us = {
      100, 250, 500, 1'000, 2'500, 5'000, 10'000, 50'000, 100'000, 500'000, 1'000'000, 5'000'000};
  std::array<std::uint64_t, 13> latency{};
  std::uint64_t latency_sum_us = 0;
};

/// One loop, as its listener actor reports it.
struct loop_vitals {
  bool armed = false;
  bool running = false;
  std::uint64_t open = 0, accepted = 0, requests = 0;
  std::int64_t last_turn_us =
      0; ///< unix microseconds; a loop turns at least every 250 ms, so older than a second is stuck
};

/// The I/O loops with their sockets. Page table, flights, door and router outlive it; answers may come after it is
/// gone.
class front {
public:
  /// Opens the sockets where none were given. Throws std::runtime_error with a sentence for people ("cannot listen on
  /// 127.0.0.1:8080: the address is in use by another program").
  front(front_config, page_table&, flights&, door&, const router&);
  ~front(); ///< stops
  front(const front&) = delete;
  front& operator=(const front&) = delete;

  /// Starts the loops, not accepting yet: `arm` does.
  void start();
  std::size_t loops() const noexcept;

  /// Accepting on loop i, on and off. Any thread; takes effect at the loop's next turn.
  void arm(std::size_t i);
  void disarm(std::size_t i);
  void arm_all();

  /// Stops accepting, ends idle connections, answers what is in flight, with `Connection: close`. Returns true when no
  /// connection is left, false when `within` passed first (the rest is cut by `stop`). Not to be called by a loop.
  bool drain(std::chrono::milliseconds within = std::chrono::seconds(10));
  /// True from the call of `drain` on.
  bool draining() const noexcept;
  /// Cuts every connection and joins the loops. Idempotent.
  void stop();

  /// "127.0.0.1:43121" for each socket, in order, ports as bound; addresses that stand for several sockets appear once.
  std::vector<std::string> addresses() const;
  /// The listening sockets, in order.
  std::vector<int> sockets() const;
  /// How many connections may be open at once: `front_limits::connections_max`, or less where the process may open too few
  /// files. The soft limit of those is raised as far as that takes.
  std::size_t connections_max() const noexcept;
  front_stats stats() const;
  std::vector<loop_vitals> vitals() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Opens `count` sockets that share an address by SO_REUSEPORT and listen. Port 0: one free port for all. Throws as
/// `front` does.
std::vector<int> open_listeners(const std::string& address, std::size_t count);

} // namespace lyceum::http
