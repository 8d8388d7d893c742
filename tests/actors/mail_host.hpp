// SPDX-License-Identifier: Apache-2.0
// A mail host of tests/peers/smtp.sh, and what it took.
#pragma once

#include "tests/actors/companion.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace lyceum {

struct taken_mail {
  std::string connection, from, to, user, tls, text;
};

/// Whole mails in the order of their arrival, from the folder that the host was started with.
inline std::vector<taken_mail> mails_taken(const std::filesystem::path& folder) {
  std::vector<taken_mail> all;
  std::ifstream log(folder / "log");
  for (std::string line; std::getline(log, line);) {
    std::istringstream fields(line);
    taken_mail one;
    std::string file;
    for (auto* field : {&one.connection, &one.from, &one.to, &one.user, &one.tls, &file})
      std::getline(fields, *field, '\t');
    std::ifstream in(folder / file, std::ios::binary);
    one.text.assign(std::istreambuf_iterator<char>(in), {});
    all.push_back(std::move(one));
  }
  return all;
}

class mail_host {
public:
  /// `kind` is "aiosmtpd" or "smtp-server".
  mail_host(const std::string& kind, const std::filesystem::path& folder, std::vector<std::string> options)
      : program_(words(kind, folder, std::move(options))) {
    if (const auto line = program_.line())
      port_ = static_cast<std::uint16_t>(std::stoi(*line));
  }
  /// 0: it did not start.
  std::uint16_t port() const { return port_; }
  /// It did not start, since its program is not on this machine.
  bool is_missing() { return port_ == 0 && program_.end() == 77; }

private:
  static std::vector<std::string> words(const std::string& kind, const std::filesystem::path& folder,
                                        std::vector<std::string> options) {
    options.insert(options.begin(), {peer("smtp.sh"), kind, folder.string()});
    return options;
  }
  companion program_;
  std::uint16_t port_ = 0;
};

} // namespace lyceum
