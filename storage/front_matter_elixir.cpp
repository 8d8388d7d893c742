// SPDX-License-Identifier: Apache-2.0
// The small part of Elixir's notation that a map of metadata needs: strings, heredocs, sigils, lists, atoms, numbers.
#include "storage/front_matter.hpp"
#include "storage/front_matter_raw.hpp"
#include "storage/words.hpp"

#include <algorithm>

namespace lyceum::storage {
namespace {

struct broken {
  int line;
  std::string what;
};

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class reader {
public:
  reader(std::string_view text, int line) : text_(text), line_(line) {}

  raw_map read() {
    raw_map map;
    try {
      for (skip(); !text_.empty(); skip()) {
        if (map.entries.size() >= front_matter_keys_max)
          throw broken{line_, "more than " + std::to_string(front_matter_keys_max) + " keys"};
        map.entries.push_back(entry());
        skip();
        if (!text_.empty() && !take(','))
          throw broken{line_, "expected a comma after the value of \"" + map.entries.back().key + "\""};
      }
    } catch (const broken& b) {
      map.faults.push_back(error_at(b.line, b.what));
    }
    return map;
  }

private:
  char front() const { return text_.empty() ? '\0' : text_.front(); }
  void next() {
    if (text_.front() == '\n')
      ++line_;
    text_.remove_prefix(1);
  }
  bool take(char c) {
    if (front() != c || text_.empty())
      return false;
    next();
    return true;
  }
  bool take(std::string_view word) {
    if (!text_.starts_with(word))
      return false;
    for (std::size_t i = 0; i < word.size(); ++i)
      next();
    return true;
  }
  void skip() {
    while (!text_.empty()) {
      const char c = front();
      if (c == '#')
        while (!text_.empty() && front() != '\n')
          next();
      else if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        next();
      else
        return;
    }
  }
  std::string name() {
    std::string n;
    while (is_name(front())) {
      n += front();
      next();
    }
    return n;
  }

  raw_entry entry() {
    raw_entry e;
    e.line = line_;
    bool arrow = false;
    if (front() == '"') {
      e.key = string();
      arrow = !take(':');
    } else if (take(':')) {
      e.key = name();
      arrow = true;
    } else {
      e.key = name();
      if (!take(':'))
        throw broken{line_, "expected a key such as title:"};
    }
    skip();
    if (arrow && !take("=>"))
      throw broken{line_, "expected => after the key \"" + e.key + "\""};
    skip();
    value(e);
    return e;
  }

  void value(raw_entry& e) {
    e.what = raw_entry::shape::scalar;
    if (take('[')) {
      e.what = raw_entry::shape::list;
      list(e);
    } else if (take("~w")) {
      e.what = raw_entry::shape::list;
      std::string words = sigil();
      take('a'); // ~w(…)a: atoms
      for (std::string_view rest = trimmed(words); !rest.empty();) {
        const auto end = std::min(rest.find_first_of(" \t\r\n"), rest.size());
        add(e, std::string(rest.substr(0, end)));
        rest = trimmed(rest.substr(end));
      }
    } else if (front() == '%' || front() == '{') {
      throw broken{line_, "a value is a text, a date or a list; this one is a map or a tuple"};
    } else {
      e.scalar = scalar(e.what);
    }
  }

  void list(raw_entry& e) {
    for (skip(); !take(']'); skip()) {
      raw_entry::shape shape = raw_entry::shape::scalar;
      add(e, scalar(shape));
      skip();
      if (!take(',') && front() != ']')
        throw broken{line_, "the list of \"" + e.key + "\" is not closed"};
    }
  }
  void add(raw_entry& e, std::string item) {
    if (e.items.size() >= front_matter_list_max)
      throw broken{line_, "\"" + e.key + "\" has more than " + std::to_string(front_matter_list_max) + " items"};
    e.items.push_back(std::move(item));
  }

  std::string scalar(raw_entry::shape& shape) {
    if (text_.starts_with("\"\"\""))
      return heredoc();
    if (front() == '"')
      return string();
    if (front() == '~' && text_.size() > 1) {
      next();
      next(); // ~D[…], ~U[…], ~s(…): the letter
      return sigil();
    }
    take(':'); // an atom
    std::string word;
    while (is_name(front()) || front() == '.' || front() == '-') {
      word += front();
      next();
    }
    if (word.empty())
      throw broken{line_, "expected a value"};
    if (word == "nil")
      shape = raw_entry::shape::nothing;
    return word;
  }

  // From the opening bracket to its pair.
  std::string sigil() {
    static constexpr std::string_view opening = "([{<|/\"'";
    static constexpr std::string_view closing = ")]}>|/\"'";
    const auto which = text_.empty() ? std::string_view::npos : opening.find(front());
    if (which == std::string_view::npos)
      throw broken{line_, "expected a bracket after the sigil"};
    next();
    const int from = line_;
    std::string inside;
    while (!text_.empty() && front() != closing[which]) {
      inside += front();
      next();
    }
    if (!take(closing[which]))
      throw broken{from, "the sigil is not closed"};
    return inside;
  }

  std::string string() {
    const int from = line_;
    next();
    std::string out;
    while (!text_.empty() && front() != '"')
      piece(out);
    if (!take('"'))
      throw broken{from, "the text is not closed with \""};
    return out;
  }

  std::string heredoc() {
    const int from = line_;
    take("\"\"\"");
    while (front() == ' ' || front() == '\t' || front() == '\r')
      next();
    if (!take('\n'))
      throw broken{from, "a text after \"\"\" starts on a line of its own"};
    std::string out;
    while (!text_.empty() && !text_.starts_with("\"\"\""))
      piece(out);
    if (!take("\"\"\""))
      throw broken{from, "the text is not closed with \"\"\""};
    // The closing line's indentation is not part of any line.
    const auto last = out.rfind('\n');
    const std::size_t indent = last == std::string::npos ? 0 : out.size() - last - 1;
    std::string plain;
    for (std::string_view rest = std::string_view(out).substr(0, last == std::string::npos ? 0 : last);
         !rest.empty();) {
      const auto end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      line.remove_prefix(std::min({indent, line.size(), std::min(line.find_first_not_of(" \t"), line.size())}));
      plain += std::string(line) + (end == std::string_view::npos ? "" : "\n");
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return plain;
  }

  // One character of a text, its escape resolved.
  void piece(std::string& out) {
    if (text_.starts_with("#{"))
      throw broken{line_, "a text with #{…} would need to run code"};
    if (front() != '\\' || text_.size() < 2) {
      out += front();
      next();
      return;
    }
    next();
    const char c = front();
    next();
    out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 's' ? ' ' : c;
  }

  std::string_view text_;
  int line_;
};

} // namespace

raw_map read_elixir_map(std::string_view inside, int line) {
  return reader(inside, line).read();
}

} // namespace lyceum::storage
