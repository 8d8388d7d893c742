// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL of one test's own, to be ill-treated. Only where LYCEUM_TEST_POSTGRES says that there is one.
#pragma once

#include "tests/site/server.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace lyceum::testing {

inline std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string all;
  std::array<char, 4096> part{};
  for (std::size_t n = 0; (n = fread(part.data(), 1, part.size(), pipe.get())) > 0;)
    all.append(part.data(), n);
  return all;
}

class own_postgres {
public:
  own_postgres() {
    const auto lines = output_of(script() + " start");
    const auto end = lines.find('\n');
    if (end == std::string::npos)
      throw std::runtime_error("postgres.sh start: " + lines);
    folder_ = lines.substr(0, end);
    url = lines.substr(end + 1, lines.find('\n', end + 1) - end - 1);
  }
  ~own_postgres() {
    if (frozen_)
      order("thaw");
    order("stop");
  }
  own_postgres(const own_postgres&) = delete;
  own_postgres& operator=(const own_postgres&) = delete;

  void down() { order("down"); }
  void up() { order("up"); }
  void freeze() {
    frozen_ = true;
    order("freeze");
  }
  void thaw() {
    frozen_ = false;
    order("thaw");
  }
  std::string url;

private:
  static std::string script() {
    return (sample_school() / "../../tests/peers/postgres.sh").lexically_normal().string();
  }
  void order(const std::string& what) const { output_of(script() + ' ' + what + ' ' + folder_); }

  std::string folder_;
  bool frozen_ = false;
};

} // namespace lyceum::testing
