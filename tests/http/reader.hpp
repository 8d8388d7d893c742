// SPDX-License-Identifier: Apache-2.0
// The front end's reading without its sockets: octets in, requests out. And the file of raw requests.
#pragma once

#include "http/admission.hpp"
#include "http/chunked.hpp"
#include "http/target.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::http::testing {

/// What octets amount to.
struct reading {
  std::vector<std::string> targets; ///< of the requests that are whole
  std::vector<std::string> bodies;
  int refused = 0; ///< status of the refusal that ended it
  std::size_t used = 0;
  bool closed = false; ///< a request asked for the end
};

/// Feeds `octets` in pieces that end at each multiple of `piece`.
inline reading read_requests(std::string_view octets, std::size_t piece = std::string_view::npos,
                             std::uint64_t body_max = 1 << 20) {
  reading out;
  head_scan scan;
  std::size_t arrived = 0;
  while (out.refused == 0 && !out.closed) {
    arrived = piece == std::string_view::npos ? octets.size() : std::min(octets.size(), arrived + piece);
    while (true) {
      const auto rest = octets.substr(out.used, arrived - out.used);
      if (rest.empty())
        break;
      const auto found = scan.look(rest);
      if (found.no) {
        out.refused = found.no->status;
        break;
      }
      if (found.size == 0)
        break;
      const auto header = rest.substr(scan.skipped, found.size - scan.skipped);
      scan = {};
      out.used += found.size;
      head asked;
      if (const auto no = admit(header, asked)) {
        out.refused = no->status;
        break;
      }
      std::string body;
      const std::string target(asked.target);
      if (asked.chunked) {
        chunked_decoder chunks(body_max);
        out.used += chunks.feed(octets.substr(out.used), body);
        arrived = std::max(arrived, out.used);
        if (chunks.now() == chunked_decoder::state::more)
          return out;
        if (chunks.now() != chunked_decoder::state::done) {
          out.refused = chunks.now() == chunked_decoder::state::too_large ? 413 : 400;
          break;
        }
      } else if (asked.content_length) {
        if (*asked.content_length > body_max) {
          out.refused = 413;
          break;
        }
        if (octets.size() - out.used < *asked.content_length)
          return out;
        body = octets.substr(out.used, static_cast<std::size_t>(*asked.content_length));
        out.used += body.size();
        arrived = std::max(arrived, out.used);
      }
      out.targets.push_back(target);
      out.bodies.push_back(body);
      if (!asked.keep_alive) {
        out.closed = true;
        break;
      }
    }
    if (arrived == octets.size())
      break;
  }
  return out;
}

/// A case of requests.txt.
struct raw_case {
  std::string name;
  int line = 0;
  int requests = 0; ///< whole ones before the end
  int refused = 0;  ///< 0: none
  std::string octets;
};

inline std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
    case 'r':
      out += '\r';
      break;
    case 'n':
      out += '\n';
      break;
    case 't':
      out += '\t';
      break;
    case 'x':
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
      break;
    case '*': { // \*N,C: the character C, N times
      const auto comma = text.find(',', i);
      out.append(std::stoul(std::string(text.substr(i + 1, comma - i - 1))), text[comma + 1]);
      i = comma + 1;
      break;
    }
    default:
      out += text[i];
    }
  }
  return out;
}

/// Format: see the head of the file.
inline std::vector<raw_case> read_cases(const char* path) {
  std::ifstream file(path);
  if (!file)
    throw std::runtime_error(std::string("cannot read ") + path);
  std::vector<raw_case> all;
  std::string line;
  bool inside = false;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line == "--") {
      inside = false;
    } else if (!inside && line.starts_with("== ")) {
      raw_case one;
      one.line = number;
      const auto space = line.find(' ', 3);
      const auto expect = line.substr(3, space - 3);
      one.name = line.substr(space + 1);
      const auto plus = expect.find('+');
      if (expect.starts_with("ok"))
        one.requests = expect.size() > 2 ? std::stoi(expect.substr(2)) : 1;
      else if (expect != "more")
        one.refused = std::stoi(expect);
      if (plus != std::string::npos)
        one.requests = std::stoi(expect.substr(plus + 1));
      all.push_back(one);
      inside = true;
    } else if (inside) {
      const bool joined = line.ends_with('\\') && !line.ends_with("\\\\");
      if (joined)
        line.pop_back();
      all.back().octets += unescaped(line) + (joined ? "" : "\r\n");
    }
  }
  return all;
}

} // namespace lyceum::http::testing
