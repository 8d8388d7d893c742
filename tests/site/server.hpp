// SPDX-License-Identifier: Apache-2.0
// The real program, started on a free port with a data folder of its own; and a plain HTTP client.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace lyceum::testing {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

struct answer {
  int status = 0; ///< 0: no answer; `body` says why
  std::string head;
  std::string body;
  std::string field(std::string_view name) const; ///< first header of that name, or empty
};

/// One connection. `get` opens it where it is not open.
class client {
public:
  explicit client(int port) : port_(port) {}
  ~client() { close(); }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  answer get(const std::string& path, const std::vector<std::string>& headers = {});
  answer ask(const std::string& request, bool head_only = false);
  bool send(std::string_view octets);
  void close();
  bool open();

private:
  answer read_answer(bool head_only);
  int port_;
  int fd_ = -1;
  std::string arrived_;
};

/// What a finished program left behind.
struct finished {
  int status = -1; ///< exit status, or 128 + signal
  std::string out;
  std::string err;
};
/// Runs the program with these arguments and waits (at most `patience`; then it is killed).
finished run_lyceum(const std::vector<std::string>& arguments, std::chrono::milliseconds patience = 20s,
                    const std::vector<std::string>& environment = {});

/// A folder that goes when the test ends.
class scratch {
public:
  scratch();
  ~scratch();
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  const fs::path& path() const { return path_; }
  fs::path operator/(std::string_view name) const { return path_ / name; }

private:
  fs::path path_;
};

/// Waits for a condition, looking every few milliseconds. False when it did not come in time.
bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience = 5s);

void write_file(const fs::path& file, std::string_view text);
std::string read_file(const fs::path& file);

/// `lyceum serve` with heart, on a free port of 127.0.0.1.
class server {
public:
  struct options {
    fs::path content;
    std::string database;                 ///< empty: SQLite in the data folder
    std::vector<std::string> arguments;   ///< more of them
    std::vector<std::string> environment; ///< NAME=value
    std::optional<fs::path> data;         ///< empty: a scratch folder
    bool faults = false;                  ///< the program with routes that fail on purpose (http/routes/faults.hpp)
  };
  explicit server(options how);
  ~server(); ///< SIGTERM, then SIGKILL after 15 s
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  void start();                                         ///< after `stop` again; port may be another
  bool ready(std::chrono::milliseconds patience = 20s); ///< until /readyz says 200
  /// SIGTERM to the heart; returns its exit status, or 128 + signal.
  int stop(std::chrono::milliseconds patience = 20s);
  bool running();
  int port() const { return port_; }
  pid_t heart() const { return heart_; }
  pid_t process() const; ///< the server below the heart
  const fs::path& data() const { return data_; }
  std::string log() const; ///< what it has written to stderr

  answer get(const std::string& path, const std::vector<std::string>& headers = {}) const;
  finished ctl(std::vector<std::string> arguments) const;
  /// One figure of /metrics, or nothing.
  std::optional<double> metric(std::string_view name) const;
  /// Of the process now; zero where it does not answer.
  std::chrono::milliseconds uptime() const;
  std::size_t resident_bytes() const; ///< of the process below the heart
  /// For longer than 100 ms a worker of the database has been in one handler, as `ctl show` tells: a fault route that sleeps has begun.
  bool database_is_busy() const;

private:
  options how_;
  std::optional<scratch> own_data_;
  fs::path data_;
  fs::path log_file_;
  pid_t heart_ = -1;
  int port_ = 0;
};

/// The real school to test with: LYCEUM_CORPUS, else ../shared/corpus/elixirschool beside the sources. Empty where it is not there.
fs::path corpus();
/// The school that comes with the sources.
fs::path sample_school();
/// A PostgreSQL for tests (LYCEUM_TEST_POSTGRES), as the URL of a fresh database in it; empty where there is none.
std::string fresh_postgres();

} // namespace lyceum::testing
