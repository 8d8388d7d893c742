// SPDX-License-Identifier: Apache-2.0
// One I/O thread with its sockets and its clock. Nothing of it is shared on the cached path.
#pragma once

#include "actors/page_table.hpp"
#include "http/access_log.hpp"
#include "http/counters.hpp"
#include "http/front.hpp"
#include "http/output.hpp"

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace lyceum::http {

class connection;

using io_context = boost::asio::io_context;
/// Typed on the context's own executor: no type erasure, no allocation on the way.
using descriptor = boost::asio::posix::basic_stream_descriptor<io_context::executor_type>;

/// How many connections each address has, over all loops. Touched when one opens or ends, never by a request.
class address_counts {
public:
  bool enter(const ip_address&, std::size_t max);
  void leave(const ip_address&);

private:
  std::mutex guard_;
  std::unordered_map<ip_address, std::size_t, ip_address_hash> counts_;
};

/// What all loops of a front see.
struct front_shared {
  front_config config;
  page_table& pages;
  flights& flying;
  door& way_in;
  const router& routes;
  std::unique_ptr<access_log> log; ///< null: off
  std::size_t connections_max = 0;
  std::atomic<std::size_t> open = 0;
  std::atomic<bool> draining = false;
  address_counts addresses;

  bool crowded() const noexcept { return open.load(std::memory_order_relaxed) > connections_max / 5 * 4; }
  bool is_counted(const ip_address& peer) const noexcept {
    return config.limits.connections_an_address != 0 && !(config.limits.loopback_exempt && peer.is_loopback());
  }
};

/// The way for other threads into a loop. Outlives it: what comes after the loop's end is thrown away.
class loop_gate {
public:
  explicit loop_gate(io_context& to) : to_(&to) {}

  /// False where the loop is gone, or memory for the message is.
  template <class Work>
  bool post(Work&& work) noexcept {
    try {
      std::lock_guard lock(guard_);
      if (to_ != nullptr)
        boost::asio::post(*to_, std::forward<Work>(work));
      return to_ != nullptr;
    } catch (const std::exception&) {
      return false; // the connection's deadline answers
    }
  }
  void shut() noexcept {
    std::lock_guard lock(guard_);
    to_ = nullptr;
  }

private:
  std::mutex guard_;
  io_context* to_;
};

/// Which connections have something to read, or room to write: an epoll set of the loop's own, level-triggered. Asio waits
/// for the set, once for all that is ready; waiting for each socket through Asio would cost every request a system call
/// and a lock.
class watch {
public:
  static constexpr std::uint32_t octets = 1, room = 4; ///< EPOLLIN, EPOLLOUT

  watch();
  ~watch();
  watch(const watch&) = delete;
  watch& operator=(const watch&) = delete;

  /// Throws std::runtime_error where the kernel has no memory for one more.
  void look_for(int socket, std::uint32_t what, connection& whose, bool known);
  /// To be called before `socket` is closed: a child that is just being started may hold it open a little longer.
  void forget(int socket, bool known) noexcept;
  int set() const noexcept { return set_; }

private:
  int set_;
};

/// A connection's place in the timer wheel.
struct timed : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  std::uint64_t due = 0;    ///< tick at which `expired` is to be called
  std::uint64_t placed = 0; ///< tick of the slot it waits in; never after `due`
};
using timed_list = boost::intrusive::list<timed, boost::intrusive::constant_time_size<false>>;

class loop {
public:
  static constexpr std::chrono::milliseconds tick{250};
  static constexpr std::size_t buffer_bytes = 64 * 1024;

  /// `sockets`: those that this loop accepts from.
  loop(front_shared&, std::size_t index, std::vector<int> sockets);
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  void start();
  void stop(); ///< cuts every connection and joins the thread
  void arm();
  void disarm();
  void drain();
  const loop_counters& counted() const noexcept { return count; }

  // What follows is for connections, on the loop's thread.

  /// Calls `due->expired()` once, at the first tick that is at least `after` away. A later deadline costs a store.
  void expect(connection&, std::chrono::milliseconds after);
  /// Reads the clocks; renews the Date line when its second is over.
  void look_at_clock();
  std::int64_t now_us() const noexcept { return now_us_; }
  /// "HTTP/1.1 200 OK\r\nDate: …\r\n", for the status of a page.
  std::string_view start_line(int status);
  std::string_view date_line() const noexcept { return date_line_; }
  std::uint64_t next_id() noexcept;
  void log(log_entry&) noexcept;
  void gone(const ip_address&) noexcept; ///< a connection of this address ended
  /// Calls an answer off at its deadline, though nobody waits for it any more: a stale page was sent in its place.
  void mind(const reply_ptr&);
  /// Runs a handler's body: what it throws is counted, and ends `whose` connection only.
  template <class Work>
  void guarded(connection& whose, Work&& work) noexcept {
    try {
      work();
    } catch (const std::exception&) {
      fault(whose);
    }
  }

  front_shared& shared;
  io_context context;
  std::shared_ptr<loop_gate> gate;
  watch watched;
  std::unique_ptr<page_table::reader> pages;
  std::unique_ptr<char[]> buffer; ///< every readable connection reads into it
  std::string tier_key;           ///< of the page being looked up for somebody signed in: its memory is kept
  std::uint32_t alike_hits = 0;   ///< by whoever brought a token
  gather ready;                   ///< hits of the connection being read; empty between connections
  loop_counters count;

private:
  struct listening {
    descriptor socket;
    bool local;
    bool waiting = false;
  };
  static constexpr std::size_t wheel_slots = 512; // 128 s; longer deadlines go round again

  void run() noexcept;
  void wait_ready();
  void visit_ready();
  void wait_accept(listening&);
  bool accept_some(listening&);
  bool admit(int fd, const ip_address&);
  void refuse(int fd) noexcept;
  void wait_tick();
  void on_tick();
  void expire_due();
  void hurry_idle();
  void place(timed&);
  template <class Visit>
  void for_each_connection(Visit&&);
  void fault(connection&) noexcept;

  std::size_t index_;
  std::vector<std::unique_ptr<listening>> listeners_;
  descriptor ready_; ///< `watched`, as Asio sees it
  boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                    io_context::executor_type>
      ticker_;
  std::chrono::steady_clock::time_point began_;
  std::uint64_t ticks_ = 0;
  std::array<timed_list, wheel_slots> wheel_;
  std::vector<std::pair<std::weak_ptr<reply_slot>, std::uint64_t>> minded_;
  std::int64_t now_us_ = 0;
  std::int64_t date_second_ = -1;
  std::string date_line_, ok_line_;
  std::map<int, std::string> other_lines_; ///< by status, of this second; what they hold does not move
  std::uint64_t id_state_ = 0;
  bool armed_ = false;
  std::thread thread_;
};

} // namespace lyceum::http
