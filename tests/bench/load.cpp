// SPDX-License-Identifier: Apache-2.0
// A load generator for the measurements of this folder: HTTP/1.1, loopback only, one thread, bounded in every direction.
//
//   load --port N [--path P]… [--paths FILE] [--header "Name: value"]… [--cookies FILE] [--seconds S] …
//
//   --cookies FILE      a visitor a line ("session=…"): each request is made as another one of them
//   closed loop   (no --rate) each connection asks again as soon as it has its answers, `--pipeline` requests at once
//   constant rate --rate R: latency counts from the moment a request was due, so that a server that stalls cannot hide it
//   --new-connections   a connection for every request
//   --hold idle         opens `--connections`, asks once on each, prints READY, holds them until standard input ends
//   --hold header       opens them and sends a header line each second, never an end: how long does the server wait?
//
// One JSON object on standard output. CPU time is that of the process trees below `--pid`, by their own clocks, read at
// both edges of the window. It reads answers that have a Content-Length (or 204 and 304, which have no body) only.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using nanoseconds = std::int64_t;
constexpr nanoseconds second = 1'000'000'000;
constexpr nanoseconds longest_wait = 20'000'000;
constexpr std::size_t head_max = 64 * 1024;
constexpr std::uint32_t sources = 32; // addresses 127.0.0.2 … to connect from, so that ports do not run out

nanoseconds clock_of(clockid_t which) {
  timespec t{};
  return clock_gettime(which, &t) == 0 ? t.tv_sec * second + t.tv_nsec : 0;
}
nanoseconds now() {
  return clock_of(CLOCK_MONOTONIC);
}

struct options {
  std::string host = "127.0.0.1", hold;
  std::vector<std::string> paths, headers, cookies;
  std::vector<int> pids;
  int port = 0, connections = 64, pipeline = 1, status = 200;
  double rate = 0, seconds = 3, warmup = 0.3, timeout = 10;
  std::uint64_t requests = UINT64_MAX;
  std::int64_t length = -1;
  bool new_connections = false;
};

double number(std::string_view name, std::string_view text, double least, double most) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    throw std::invalid_argument(std::string(name) + " is a number from " + std::to_string(least) + " to " +
                                std::to_string(most));
  return value;
}

options read_options(int count, char** words) {
  options all;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = words[i];
    if (name == "--new-connections") {
      all.new_connections = true;
      continue;
    }
    if (++i == count)
      throw std::invalid_argument(std::string(name) + " is not known, or wants a value");
    const std::string value = words[i];
    const auto whole = [&](double least, double most) { return static_cast<int>(number(name, value, least, most)); };
    if (name == "--host")
      all.host = value;
    else if (name == "--port")
      all.port = whole(1, 65535);
    else if (name == "--path")
      all.paths.push_back(value);
    else if (name == "--paths") {
      std::ifstream in(value);
      for (std::string line; std::getline(in, line);)
        if (!line.empty())
          all.paths.push_back(line);
    } else if (name == "--cookies") {
      std::ifstream in(value);
      for (std::string line; std::getline(in, line);)
        if (!line.empty())
          all.cookies.push_back(line);
    } else if (name == "--header")
      all.headers.push_back(value);
    else if (name == "--pid")
      all.pids.push_back(whole(1, 1 << 22));
    else if (name == "--connections")
      all.connections = whole(1, 20'000);
    else if (name == "--pipeline")
      all.pipeline = whole(1, 64);
    else if (name == "--status")
      all.status = whole(100, 599);
    else if (name == "--length")
      all.length = static_cast<std::int64_t>(number(name, value, 0, 1e12));
    else if (name == "--rate")
      all.rate = number(name, value, 0.1, 200'000);
    else if (name == "--seconds")
      all.seconds = number(name, value, 0.1, 3600);
    else if (name == "--warmup")
      all.warmup = number(name, value, 0, 60);
    else if (name == "--timeout")
      all.timeout = number(name, value, 0.1, 600);
    else if (name == "--requests")
      all.requests = static_cast<std::uint64_t>(number(name, value, 1, 1e10));
    else if (name == "--hold" && (value == "idle" || value == "header"))
      all.hold = value;
    else
      throw std::invalid_argument(std::string(name) + " " + value + " is not known");
  }
  if (all.port == 0)
    throw std::invalid_argument("--port is missing");
  if (all.paths.empty())
    all.paths.emplace_back("/");
  return all;
}

/// CPU time of a process and of all below it.
nanoseconds cpu_of_trees(const std::vector<int>& roots) {
  std::multimap<int, int> children;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const int pid = std::atoi(entry.path().filename().c_str());
    std::ifstream in(entry.path() / "stat");
    std::string text;
    if (pid == 0 || !std::getline(in, text) || text.rfind(')') == std::string::npos)
      continue;
    char state = 0;
    int parent = 0;
    if (std::sscanf(text.c_str() + text.rfind(')') + 1, " %c %d", &state, &parent) == 2)
      children.emplace(parent, pid);
  }
  nanoseconds sum = 0;
  std::vector<int> todo = roots;
  std::set<int> seen;
  while (!todo.empty()) {
    const int pid = todo.back();
    todo.pop_back();
    if (!seen.insert(pid).second)
      continue;
    clockid_t clock = 0;
    if (clock_getcpuclockid(pid, &clock) == 0)
      sum += clock_of(clock);
    const auto [first, last] = children.equal_range(pid);
    for (auto at = first; at != last; ++at)
      todo.push_back(at->second);
  }
  return sum;
}

/// Latencies, to 1/32 of their value.
class histogram {
public:
  void add(nanoseconds value) {
    const auto v = static_cast<std::uint64_t>(std::max<nanoseconds>(value, 32));
    const auto shift = static_cast<std::size_t>(std::bit_width(v)) - 6;
    ++counts_[shift * 32 + (v >> shift)];
    ++count_;
    most_ = std::max(most_, v);
  }
  double us(double share) const {
    auto left = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > left) {
        const auto shift = i < 64 ? 0 : i / 32 - 1;
        return static_cast<double>((i - shift * 32) << shift) / 1000.0;
      }
      left -= counts_[i];
    }
    return static_cast<double>(most_) / 1000.0;
  }
  double most_us() const { return static_cast<double>(most_) / 1000.0; }

private:
  std::array<std::uint64_t, 2048> counts_{};
  std::uint64_t count_ = 0, most_ = 0;
};

struct tally {
  std::uint64_t answers = 0, good = 0, wrong_status = 0, wrong_length = 0, refused = 0, lost = 0, timeouts = 0;
  std::uint64_t opened = 0, reopened = 0, octets = 0;
  std::map<int, std::uint64_t> statuses;
  histogram latency;
  nanoseconds last_good = 0, gap = 0;
  nanoseconds stall = 0; ///< longest time that the generator itself did not get to run
};

struct connection {
  int fd = -1;
  bool connecting = false;
  std::deque<nanoseconds> asked; ///< when each request that waits for its answer was due
  std::string head;              ///< of the answer that is coming
  std::int64_t body_left = -1;   ///< -1: its head is not here yet
  std::int64_t body = 0;
  int status = 0;
  bool closes = false;
  std::string out; ///< what the kernel did not take at once
  std::size_t turn = 0;
  nanoseconds opened = 0, next_line = 0;
};

class generator {
public:
  explicit generator(options how) : how_(std::move(how)), all_(static_cast<std::size_t>(how_.connections)) {
    to_.sin_family = AF_INET;
    to_.sin_port = htons(static_cast<std::uint16_t>(how_.port));
    if (inet_pton(AF_INET, how_.host.c_str(), &to_.sin_addr) != 1 || ntohl(to_.sin_addr.s_addr) >> 24 != 127)
      throw std::invalid_argument("only addresses of 127.0.0.0/8 are loaded, not " + how_.host);
    for (const auto& path : how_.paths) {
      std::string text = "GET " + path + " HTTP/1.1\r\nHost: localhost:" + std::to_string(how_.port) + "\r\n";
      for (const auto& line : how_.headers)
        text += line + "\r\n";
      if (how_.new_connections)
        text += "Connection: close\r\n";
      if (how_.cookies.empty())
        requests_.push_back(text + "\r\n");
      for (const auto& cookie : how_.cookies)
        requests_.push_back(text + "Cookie: " + cookie + "\r\n\r\n");
    }
    queue_ = epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < all_.size(); ++i)
      all_[i].turn = i * 7919;
  }

  int load();
  int hold();

private:
  bool open(connection& c);
  void shut(connection& c);
  void watch(connection& c, std::uint32_t events, int how) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &c;
    epoll_ctl(queue_, how, c.fd, &event);
  }
  void ask(connection& c, nanoseconds due, int times);
  void send_rest(connection& c);
  void ready(connection& c, std::uint32_t events);
  bool receive(connection& c);
  bool read(connection& c, std::string_view octets);
  bool begin_body(connection& c);
  void answered(connection& c);
  void broken(connection& c, bool refused);
  void rest_or_go_on(connection& c);
  void send_due(nanoseconds at);
  void look_for_timeouts(nanoseconds at);
  void report(nanoseconds window, nanoseconds cpu, nanoseconds own) const;
  bool at_rate() const { return how_.rate > 0; }

  options how_;
  sockaddr_in to_{};
  std::vector<std::string> requests_;
  std::vector<connection> all_;
  std::deque<connection*> idle_; ///< at a rate: who may take the next request
  std::deque<nanoseconds> due_;  ///< at a rate: requests that no connection was free for
  std::vector<connection*> reopen_;
  int queue_ = -1;
  bool measuring_ = false;
  tally sum_;
  std::uint64_t sent_ = 0;
  std::array<char, 4096> buffer_{}; ///< heads; bodies are thrown away inside the kernel
};

bool generator::open(connection& c) {
  static std::uint32_t turn = 0;
  c.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c.fd < 0)
    throw std::runtime_error(std::string("cannot open a socket: ") + std::strerror(errno));
  const int yes = 1;
  setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  setsockopt(c.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(0x7F000002u + turn++ % sources);
  if (bind(c.fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0)
    throw std::runtime_error(std::string("cannot bind to a loopback address: ") + std::strerror(errno));
  const int done = connect(c.fd, reinterpret_cast<sockaddr*>(&to_), sizeof to_);
  c.opened = now();
  ++sum_.opened;
  if (done != 0 && errno != EINPROGRESS) {
    ::close(c.fd);
    c.fd = -1;
    return false;
  }
  c.connecting = done != 0;
  watch(c, c.connecting ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_ADD);
  return true;
}

void generator::shut(connection& c) {
  if (c.fd >= 0)
    ::close(c.fd);
  c.fd = -1;
  c.connecting = c.closes = false;
  c.body_left = -1;
  c.head.clear();
  c.out.clear();
  c.asked.clear();
}

void generator::ask(connection& c, nanoseconds due, int times) {
  if (c.fd < 0 && !open(c)) {
    c.asked.assign(1, due);
    return broken(c, true);
  }
  for (; times > 0; --times) {
    c.asked.push_back(due);
    c.out += requests_[c.turn++ % requests_.size()];
    ++sent_;
  }
  if (!c.connecting)
    send_rest(c);
}

void generator::send_rest(connection& c) {
  while (!c.out.empty()) {
    const auto n = send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN)
        watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
      return; // anything else: reading will say so
    }
    c.out.erase(0, static_cast<std::size_t>(n));
  }
}

void generator::ready(connection& c, std::uint32_t events) {
  if (c.connecting) {
    int fault = 0;
    socklen_t size = sizeof fault;
    getsockopt(c.fd, SOL_SOCKET, SO_ERROR, &fault, &size);
    if (fault != 0)
      return broken(c, true);
    if ((events & EPOLLOUT) == 0)
      return;
    c.connecting = false;
    watch(c, EPOLLIN, EPOLL_CTL_MOD);
    send_rest(c);
  } else if ((events & EPOLLOUT) != 0) {
    watch(c, EPOLLIN, EPOLL_CTL_MOD);
    send_rest(c);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !receive(c))
    broken(c, false);
}

/// False where the connection is over.
bool generator::receive(connection& c) {
  while (true) {
    // tcp(7): MSG_TRUNC throws octets away without copying them. The generator should cost little.
    const bool rest_only = c.body_left > 0;
    const auto wanted = rest_only ? static_cast<std::size_t>(c.body_left) : buffer_.size();
    const auto n = recv(c.fd, rest_only ? nullptr : buffer_.data(), wanted, rest_only ? MSG_TRUNC : 0);
    if (n < 0)
      return errno == EAGAIN || errno == EINTR;
    if (n == 0)
      return false;
    sum_.octets += static_cast<std::uint64_t>(n);
    if (!rest_only && !read(c, {buffer_.data(), static_cast<std::size_t>(n)}))
      return false;
    if (rest_only) {
      c.body_left -= n;
      if (c.body_left == 0)
        answered(c);
    }
    if (static_cast<std::size_t>(n) < wanted || (rest_only && how_.pipeline == 1) || c.asked.empty() || c.fd < 0)
      return true;
  }
}

bool generator::read(connection& c, std::string_view octets) {
  while (!octets.empty() && c.fd >= 0) {
    if (c.body_left > 0) {
      const auto n = std::min<std::int64_t>(c.body_left, static_cast<std::int64_t>(octets.size()));
      c.body_left -= n;
      octets.remove_prefix(static_cast<std::size_t>(n));
      if (c.body_left == 0)
        answered(c);
      continue;
    }
    const auto before = c.head.size();
    const auto from = before < 3 ? 0 : before - 3;
    c.head.append(octets.substr(0, head_max));
    const auto end = c.head.find("\r\n\r\n", from);
    if (end == std::string::npos)
      return c.head.size() < head_max;
    octets.remove_prefix(end + 4 - before);
    c.head.resize(end + 2);
    if (!begin_body(c))
      return false;
  }
  return true;
}

bool generator::begin_body(connection& c) {
  if (c.head.size() < 12 || !c.head.starts_with("HTTP/1.") || c.asked.empty())
    return false;
  c.status = std::atoi(c.head.c_str() + 9);
  c.body_left = c.status == 304 || c.status == 204 ? 0 : -1;
  std::string_view rest = c.head;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size() + 2);
    const auto is = [&](std::string_view name) {
      return line.size() > name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
    };
    if (is("Content-Length:") && c.body_left < 0)
      c.body_left = std::atoll(line.data() + 15);
    else if (is("Connection:"))
      c.closes = line.find("close") != std::string_view::npos;
  }
  c.head.clear();
  c.body = c.body_left;
  if (c.body_left == 0)
    answered(c);
  return c.fd < 0 || c.body_left >= 0 || c.asked.empty() || c.body == 0;
}

void generator::answered(connection& c) {
  const auto at = now();
  const auto due = c.asked.front();
  c.asked.pop_front();
  c.body_left = -1;
  if (measuring_) {
    ++sum_.answers;
    ++sum_.statuses[c.status];
    sum_.latency.add(at - due);
    if (c.status != how_.status)
      ++sum_.wrong_status;
    else if (how_.length >= 0 && c.body != how_.length)
      ++sum_.wrong_length;
    else {
      ++sum_.good;
      if (sum_.last_good != 0)
        sum_.gap = std::max(sum_.gap, at - sum_.last_good);
      sum_.last_good = at;
    }
  }
  if (how_.new_connections || c.closes)
    shut(c); // what was asked behind a last answer is nobody's: it would be asked again elsewhere
  if (c.asked.empty())
    rest_or_go_on(c);
}

void generator::rest_or_go_on(connection& c) {
  if (at_rate())
    idle_.push_back(&c);
  else if (sent_ < how_.requests)
    ask(c, now(), how_.pipeline);
}

/// A connection ended. What it still owed failed, and is not asked again.
void generator::broken(connection& c, bool refused) {
  const auto owed = c.asked.size();
  const bool was_idle = owed == 0;
  if (measuring_) {
    if (refused)
      sum_.refused += owed;
    else
      sum_.lost += owed;
    sum_.reopened += was_idle ? 1 : 0;
  }
  shut(c);
  if (!was_idle)
    reopen_.push_back(&c);
}

void generator::send_due(nanoseconds at) {
  while (!due_.empty() && !idle_.empty() && due_.front() <= at) {
    auto& c = *idle_.front();
    idle_.pop_front();
    const auto due = due_.front();
    due_.pop_front();
    ask(c, due, 1);
  }
}

void generator::look_for_timeouts(nanoseconds at) {
  for (auto& c : all_)
    if (!c.asked.empty() && at - c.asked.front() > static_cast<nanoseconds>(how_.timeout * second)) {
      if (measuring_)
        sum_.timeouts += c.asked.size();
      shut(c);
      reopen_.push_back(&c);
    }
}

int generator::load() {
  const auto began = now();
  const auto from = began + static_cast<nanoseconds>(how_.warmup * second);
  auto until = from + static_cast<nanoseconds>(how_.seconds * second);
  nanoseconds cpu = 0, own = 0, started = 0, last_look = began;
  double next_due = static_cast<double>(began);
  for (auto& c : all_)
    rest_or_go_on(c);
  std::vector<epoll_event> events(1024);
  auto at = began, last_turn = began;
  const auto settled = [&] { return sum_.answers + sum_.lost + sum_.refused + sum_.timeouts; };
  for (; (!measuring_ || at < until) && !(sent_ >= how_.requests && settled() >= how_.requests); at = now()) {
    if (measuring_)
      sum_.stall = std::max(sum_.stall, at - last_turn - longest_wait);
    last_turn = at;
    if (!measuring_ && at >= from) {
      cpu = cpu_of_trees(how_.pids);
      own = clock_of(CLOCK_PROCESS_CPUTIME_ID);
      started = sum_.last_good = now();
      measuring_ = true;
      until = started + static_cast<nanoseconds>(how_.seconds * second); // it may have been held up before
    }
    timespec wait{0, longest_wait};
    if (at_rate()) {
      for (; static_cast<nanoseconds>(next_due) <= at; next_due += static_cast<double>(second) / how_.rate)
        due_.push_back(static_cast<nanoseconds>(next_due));
      send_due(at);
      wait.tv_nsec = std::clamp<nanoseconds>(static_cast<nanoseconds>(next_due) - now(), 0, wait.tv_nsec);
    }
    const int n = epoll_pwait2(queue_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
    for (int i = 0; i < n; ++i) {
      auto& c = *static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (c.fd >= 0)
        ready(c, events[static_cast<std::size_t>(i)].events);
    }
    for (auto* c : std::exchange(reopen_, {}))
      rest_or_go_on(*c);
    if (at - last_look > second / 10) {
      last_look = at;
      look_for_timeouts(at);
    }
  }
  if (measuring_) {
    const auto end = now();
    if (at_rate() && sum_.last_good != 0)
      sum_.gap = std::max(sum_.gap, end - sum_.last_good);
    report(end - started, cpu_of_trees(how_.pids) - cpu, clock_of(CLOCK_PROCESS_CPUTIME_ID) - own);
  }
  return measuring_ ? 0 : 1;
}

void generator::report(nanoseconds window, nanoseconds cpu, nanoseconds own) const {
  const auto answers = std::max<double>(1, static_cast<double>(sum_.answers));
  const auto failed = sum_.wrong_status + sum_.wrong_length + sum_.refused + sum_.lost + sum_.timeouts;
  std::string statuses;
  for (const auto& [status, count] : sum_.statuses)
    statuses += (statuses.empty() ? "\"" : ",\"") + std::to_string(status) + "\":" + std::to_string(count);
  const auto n = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("{\"answers\":%llu,\"good\":%llu,\"failed\":%llu,\"refused\":%llu,\"lost\":%llu,\"timeouts\":%llu,"
              "\"wrong_status\":%llu,\"wrong_length\":%llu,\"opened\":%llu,\"reopened\":%llu,\"seconds\":%.3f,"
              "\"per_second\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"p999_us\":%.0f,\"max_us\":%.0f,\"gap_ms\":%.1f,"
              "\"stall_ms\":%.1f,"
              "\"octets\":%llu,\"cpu_us\":%.3f,\"load_cpu_us\":%.3f,\"statuses\":{%s}}\n",
              n(sum_.answers), n(sum_.good), n(failed), n(sum_.refused), n(sum_.lost), n(sum_.timeouts),
              n(sum_.wrong_status), n(sum_.wrong_length), n(sum_.opened), n(sum_.reopened),
              static_cast<double>(window) / second, answers * second / static_cast<double>(window), sum_.latency.us(.5),
              sum_.latency.us(.99), sum_.latency.us(.999), sum_.latency.most_us(), static_cast<double>(sum_.gap) / 1e6,
              static_cast<double>(sum_.stall) / 1e6, n(sum_.octets), static_cast<double>(cpu) / 1000 / answers,
              static_cast<double>(own) / 1000 / answers, statuses.c_str());
}

/// Opens connections and keeps them: idle ones, or ones whose header never ends.
int generator::hold() {
  const bool header = how_.hold == "header";
  const auto began = now(), until = began + static_cast<nanoseconds>(how_.seconds * second);
  std::size_t next = 0, settled = 0, dropped = 0;
  nanoseconds last_drop = 0, longest = 0;
  bool said = false;
  measuring_ = true;
  std::vector<epoll_event> events(1024);
  for (auto at = began; at < until; at = now()) {
    for (; next < all_.size() && next < settled + 256; ++next) { // a few at once, so that no backlog overflows
      auto& c = all_[next];
      if (!header) {
        how_.requests = 0; // nobody asks twice
        ask(c, at, 1);
      } else if (open(c)) {
        c.out = "GET / HTTP/1.1\r\nHost: localhost\r\n";
        c.next_line = at;
        ++settled;
      }
    }
    const auto n = epoll_wait(queue_, events.data(), static_cast<int>(events.size()), 20);
    for (int i = 0; i < n; ++i) {
      auto& c = *static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (c.fd < 0)
        continue;
      if (!header) {
        ready(c, events[static_cast<std::size_t>(i)].events);
        continue;
      }
      if (c.connecting) {
        c.connecting = false;
        watch(c, EPOLLIN, EPOLL_CTL_MOD);
      }
      const auto octets = recv(c.fd, buffer_.data(), buffer_.size(), 0);
      if (octets > 0 || (octets < 0 && errno == EAGAIN))
        continue; // a 408 before the end
      ++dropped;
      last_drop = now() - began;
      longest = std::max(longest, now() - c.opened);
      shut(c);
    }
    if (header)
      for (auto& c : all_)
        if (c.fd >= 0 && !c.connecting && c.next_line <= at) {
          c.next_line = at + second;
          send_rest(c);
          c.out = "X-Slow: 1\r\n";
        }
    if (!header)
      settled = sum_.answers + sum_.refused + sum_.lost;
    reopen_.clear();
    if (!said && settled >= all_.size()) {
      std::printf("READY %zu\n", all_.size());
      std::fflush(stdout);
      said = true;
    }
    pollfd in{STDIN_FILENO, POLLIN, 0};
    char octet = 0;
    if (said && !header && poll(&in, 1, 0) > 0 && ::read(STDIN_FILENO, &octet, 1) <= 0)
      break;
    if (header && dropped == all_.size())
      break;
  }
  const auto open_still = std::count_if(all_.begin(), all_.end(), [](const connection& c) { return c.fd >= 0; });
  std::printf("{\"held\":%zu,\"answers\":%llu,\"open_at_end\":%lld,\"dropped\":%zu,\"last_drop_ms\":%.0f,"
              "\"longest_ms\":%.0f}\n",
              all_.size(), static_cast<unsigned long long>(sum_.answers), static_cast<long long>(open_still), dropped,
              static_cast<double>(last_drop) / 1e6, static_cast<double>(longest) / 1e6);
  return 0;
}

} // namespace

int main(int count, char** words) {
  try {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_TIMERSLACK, 1);
    auto how = read_options(count, words);
    const bool holds = !how.hold.empty();
    const auto made = std::make_unique<generator>(std::move(how));
    return holds ? made->hold() : made->load();
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "load: %s\n", fault.what());
    return 2;
  }
}
