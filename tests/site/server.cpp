// SPDX-License-Identifier: Apache-2.0
#include "tests/site/server.hpp"

#include "actors/exchange.hpp"

#include <boost/json.hpp>
#include <libpq-fe.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace lyceum::testing {
namespace {

using clock = std::chrono::steady_clock;

std::string program(bool faults = false) {
  if (faults)
    return LYCEUM_PROGRAM_WITH_FAULTS;
  if (const char* given = std::getenv("LYCEUM_PROGRAM"))
    return given;
  return LYCEUM_PROGRAM;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& one : texts)
    all.push_back(one.data());
  all.push_back(nullptr);
  return all;
}

pid_t spawn(std::vector<std::string> arguments, const std::vector<std::string>& more, int out, int err,
            bool faults = false) {
  const auto what = program(faults);
  arguments.insert(arguments.begin(), what);
  std::vector<std::string> environment = more;
  if (faults)
    environment.emplace_back("LYCEUM_FAULTS=1");
  for (char** at = environ; *at; ++at)
    environment.emplace_back(*at);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  pid_t pid = -1;
  const int failed =
      posix_spawn(&pid, what.c_str(), &actions, nullptr, pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    throw std::runtime_error(what + ": " + std::strerror(failed));
  return pid;
}

int wait_for(pid_t pid, std::chrono::milliseconds patience) {
  const auto until = clock::now() + patience;
  int state = 0;
  while (waitpid(pid, &state, WNOHANG) == 0) {
    if (clock::now() > until) {
      kill(pid, SIGKILL);
      waitpid(pid, &state, 0);
      return -1;
    }
    std::this_thread::sleep_for(2ms);
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

int open_for_writing(const fs::path& file) {
  return open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
}

} // namespace

std::string answer::field(std::string_view name) const {
  std::string_view rest = head;
  while (!rest.empty()) {
    const auto end = std::min(rest.find("\r\n"), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && iequals(line.substr(0, colon), name)) {
      const auto begin = line.find_first_not_of(' ', colon + 1);
      return begin == std::string_view::npos ? std::string() : std::string(line.substr(begin));
    }
  }
  return {};
}

bool client::open() {
  if (fd_ >= 0)
    return true;
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port_));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int yes = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const timeval patience{10, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0)
    return true;
  close();
  return false;
}

void client::close() {
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = -1;
  arrived_.clear();
}

bool client::send(std::string_view octets) {
  if (!open())
    return false;
  while (!octets.empty()) {
    const auto n = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (n <= 0)
      return false;
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

answer client::get(const std::string& path, const std::vector<std::string>& headers) {
  std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n";
  for (const auto& one : headers)
    request += one + "\r\n";
  return ask(request + "\r\n");
}

answer client::ask(const std::string& request, bool head_only) {
  if (!open())
    return {0, {}, std::string("connect: ") + std::strerror(errno)};
  if (!send(request)) {
    close();
    return {0, {}, "the connection was closed while sending"};
  }
  auto got = read_answer(head_only);
  if (got.status == 0 || iequals(got.field("Connection"), "close"))
    close();
  return got;
}

answer client::read_answer(bool head_only) {
  std::array<char, 65536> buffer{};
  const auto more = [&] {
    const auto n = recv(fd_, buffer.data(), buffer.size(), 0);
    if (n > 0)
      arrived_.append(buffer.data(), static_cast<std::size_t>(n));
    return n > 0;
  };
  std::size_t end = 0;
  while ((end = arrived_.find("\r\n\r\n")) == std::string::npos)
    if (!more())
      return {0, {}, "the answer ended in its head after " + std::to_string(arrived_.size()) + " octets"};
  answer got;
  got.head = arrived_.substr(0, end + 2);
  arrived_.erase(0, end + 4);
  got.status = std::atoi(got.head.c_str() + 9);
  const auto length = got.field("Content-Length");
  if (head_only || got.status == 304 || got.status == 204 || got.status < 200)
    return got;
  if (length.empty()) { // until the end
    while (more()) {
    }
    got.body = std::move(arrived_);
    return got;
  }
  const auto size = static_cast<std::size_t>(std::atoll(length.c_str()));
  while (arrived_.size() < size)
    if (!more())
      return {0, {}, "the answer ended in its body"};
  got.body = arrived_.substr(0, size);
  arrived_.erase(0, size);
  return got;
}

finished run_lyceum(const std::vector<std::string>& arguments, std::chrono::milliseconds patience,
                    const std::vector<std::string>& environment) {
  const scratch place;
  const int out = open_for_writing(place / "out");
  const int err = open_for_writing(place / "err");
  const pid_t pid = spawn(arguments, environment, out, err);
  finished done;
  done.status = wait_for(pid, patience);
  close(out);
  close(err);
  done.out = read_file(place / "out");
  done.err = read_file(place / "err");
  return done;
}

scratch::scratch() {
  std::string name = (fs::temp_directory_path() / "lyceum-test-XXXXXX").string();
  if (!mkdtemp(name.data()))
    throw std::runtime_error(std::strerror(errno));
  path_ = name;
}
scratch::~scratch() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience) {
  const auto until = clock::now() + patience;
  while (!holds()) {
    if (clock::now() > until)
      return false;
    std::this_thread::sleep_for(3ms);
  }
  return true;
}

void write_file(const fs::path& file, std::string_view text) {
  fs::create_directories(file.parent_path());
  // As editors do: a new file in the old one's place.
  const auto draft = file.parent_path() / ("." + file.filename().string() + ".draft");
  std::ofstream(draft, std::ios::binary) << text;
  fs::rename(draft, file);
}

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf(); // catches what a file of /proc throws whose process ends meanwhile
  return all.str();
}

server::server(options how) : how_(std::move(how)) {
  if (how_.data)
    data_ = *how_.data;
  else
    data_ = own_data_.emplace().path() / "data";
  fs::create_directories(data_);
  log_file_ = data_ / "stderr.log";
  start();
}

server::~server() {
  if (heart_ > 0)
    stop(15s);
}

void server::start() {
  std::vector<std::string> arguments{"serve", "--data", data_.string(), "--listen", "127.0.0.1:0"};
  if (!how_.content.empty())
    arguments.insert(arguments.end(), {"--content", how_.content.string()});
  if (!how_.database.empty())
    arguments.insert(arguments.end(), {"--database", how_.database});
  arguments.insert(arguments.end(), how_.arguments.begin(), how_.arguments.end());
  std::error_code ignored;
  fs::remove(data_ / "run" / "listen.json", ignored);
  const int log = open_for_writing(log_file_);
  heart_ = spawn(arguments, how_.environment, log, log, how_.faults);
  close(log);
  port_ = 0;
  eventually(
      [&] {
        const auto text = read_file(data_ / "run" / "listen.json");
        const auto at = text.find("127.0.0.1:");
        if (at != std::string::npos)
          std::from_chars(text.data() + at + 10, text.data() + text.size(), port_);
        return port_ != 0 || !running();
      },
      10s);
}

bool server::ready(std::chrono::milliseconds patience) {
  return port_ != 0 && eventually([&] { return get("/readyz").status == 200; }, patience);
}

int server::stop(std::chrono::milliseconds patience) {
  if (heart_ <= 0)
    return -1;
  kill(heart_, SIGTERM);
  const auto status = wait_for(std::exchange(heart_, -1), patience);
  return status;
}

bool server::running() {
  if (heart_ <= 0)
    return false;
  int state = 0;
  if (waitpid(heart_, &state, WNOHANG) == 0)
    return true;
  heart_ = -1;
  return false;
}

pid_t server::process() const {
  return static_cast<pid_t>(std::atoi(read_file(data_ / "run" / "server.pid").c_str()));
}

std::string server::log() const {
  return read_file(log_file_);
}

answer server::get(const std::string& path, const std::vector<std::string>& headers) const {
  return client(port_).get(path, headers);
}

finished server::ctl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"ctl", "--control", (data_ / "control.sock").string()});
  return run_lyceum(arguments);
}

std::optional<double> server::metric(std::string_view name) const {
  const auto all = "\n" + get("/metrics").body;
  const auto at = all.find("\n" + std::string(name) + " ");
  if (at == std::string::npos)
    return std::nullopt;
  return std::atof(all.c_str() + at + name.size() + 2);
}

std::chrono::milliseconds server::uptime() const {
  return std::chrono::milliseconds(static_cast<std::int64_t>(metric("lyceum_uptime_seconds").value_or(0) * 1000));
}

std::size_t server::resident_bytes() const {
  std::ifstream statm("/proc/" + std::to_string(process()) + "/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

bool server::database_is_busy() const {
  const auto shown = ctl({"--json", "show", "storage"}).out;
  constexpr std::string_view worker = "\"path\":\"storage/db-";
  for (auto at = shown.find(worker); at != std::string::npos; at = shown.find(worker, at + 1))
    if (shown.substr(at, shown.find('}', at) - at).find("\"busy_ms\"") != std::string::npos)
      return true;
  return false;
}

fs::path corpus() {
  if (const char* given = std::getenv("LYCEUM_CORPUS"))
    return given;
  const fs::path beside = fs::path(LYCEUM_SOURCES) / ".." / "shared" / "corpus" / "elixirschool";
  return fs::is_directory(beside) ? fs::canonical(beside) : fs::path();
}

fs::path sample_school() {
  return fs::path(LYCEUM_SOURCES) / "ops" / "sample_school";
}

std::string fresh_postgres() {
  const char* given = std::getenv("LYCEUM_TEST_POSTGRES");
  if (!given || !*given)
    return {};
  static std::atomic<int> count = 0;
  const auto name = "site_" + std::to_string(getpid()) + "_" + std::to_string(++count);
  const std::unique_ptr<PGconn, decltype(&PQfinish)> link(PQconnectdb(given), PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> made(PQexec(link.get(), ("CREATE DATABASE " + name).c_str()),
                                                           PQclear);
  if (PQresultStatus(made.get()) != PGRES_COMMAND_OK)
    throw std::runtime_error(PQerrorMessage(link.get()));
  std::string url = given;
  const auto query = std::min(url.find('?'), url.size());
  const auto slash = url.rfind('/', query);
  const auto host = url.find("://") + 3;
  if (slash == std::string::npos || slash < host)
    return url.substr(0, query) + "/" + name + url.substr(query);
  return url.substr(0, slash + 1) + name + url.substr(query);
}

} // namespace lyceum::testing
