// SPDX-License-Identifier: Apache-2.0
// What `lyceum check` sees beyond an import: links that lead nowhere.
#include "storage/content_folder.hpp"
#include "storage/digest.hpp"
#include "storage/import.hpp"
#include "storage/model/paths.hpp"
#include "storage/words.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utf8proc.h>

namespace lyceum::storage {
namespace {

struct link {
  std::string target;
  int line = 1;
  bool image = false;
};

// Does the "](" at `close` end an image's words? Brackets inside them count.
bool is_image(std::string_view line, std::size_t close) {
  int depth = 0;
  for (std::size_t i = close + 1; i-- > 0;) {
    depth += line[i] == ']' ? 1 : line[i] == '[' ? -1 : 0;
    if (depth == 0)
      return i > 0 && line[i - 1] == '!';
  }
  return false;
}

// A line's links: [text](target), ![text](target "title"), [name]: target. `code` spans are left out.
void collect_links(std::string_view line, int number, std::vector<link>& into) {
  std::string plain(line);
  for (std::size_t from = plain.find('`'); from != std::string::npos; from = plain.find('`', from)) {
    const auto ticks = std::min(plain.find_first_not_of('`', from), plain.size()) - from;
    const auto close = plain.find(std::string(ticks, '`'), from + ticks);
    if (close == std::string::npos)
      break;
    std::fill(plain.begin() + static_cast<std::ptrdiff_t>(from),
              plain.begin() + static_cast<std::ptrdiff_t>(close + ticks), ' ');
    from = close + ticks;
  }
  const auto take = [&](std::size_t at, bool image = false) {
    std::string_view rest = std::string_view(plain).substr(at);
    rest = trimmed(rest.substr(0, 2000));
    const bool angled = rest.starts_with('<');
    std::size_t depth = 0;
    std::size_t end = angled ? 1 : 0;
    for (; end < rest.size(); ++end) {
      const char c = rest[end];
      if (angled ? c == '>' : c == ' ' || (c == ')' && depth == 0))
        break;
      depth += c == '(' ? 1U : 0U;
      depth -= c == ')' ? 1U : 0U;
    }
    const auto target = angled ? rest.substr(1, end - 1) : rest.substr(0, end);
    if (!target.empty())
      into.push_back({std::string(target), number, image});
  };
  for (std::size_t at = plain.find("]("); at != std::string::npos; at = plain.find("](", at + 2))
    take(at + 2, is_image(plain, at));
  const auto text = trimmed(plain);
  if (text.starts_with('[') && !text.starts_with("[^"))
    if (const auto colon = text.find("]:"); colon != std::string_view::npos && colon + 2 < text.size())
      take(static_cast<std::size_t>(text.data() - plain.data()) + colon + 2);
}

// Lower case by Unicode; letters, digits, '-' and '_' stay, a blank becomes '-', the rest goes: GitHub's rule for anchors.
std::string anchor_of(std::string_view title) {
  std::string out;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(title.data());
  auto left = static_cast<utf8proc_ssize_t>(title.size());
  while (left > 0) {
    utf8proc_int32_t code = 0;
    const auto n = utf8proc_iterate(bytes, left, &code);
    if (n <= 0)
      break;
    bytes += n;
    left -= n;
    if (code == ' ')
      out += '-';
    const auto category = utf8proc_category(code);
    const bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO;
    if (!letter && code != '-' && category != UTF8PROC_CATEGORY_PC)
      continue;
    utf8proc_uint8_t utf8[4];
    const auto size = utf8proc_encode_char(utf8proc_tolower(code), utf8);
    out.append(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  }
  return out;
}

// A heading's text without marks: emphasis, code, and the targets of links.
std::string heading_text(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == ']' && i + 1 < line.size() && line[i + 1] == '(')
      i = std::min(line.find(')', i), line.size());
    else if (line[i] != '`' && line[i] != '*' && line[i] != '[' && line[i] != ']' && line[i] != '\\')
      out += line[i];
  }
  return out;
}

struct outline {
  std::vector<link> links;
  std::set<std::string> anchors;
};

outline read_outline(std::string_view markdown, int first_line) {
  outline out;
  std::map<std::string, int> seen;
  std::string fence;
  std::string_view before;
  const auto heading = [&](std::string_view text) {
    const std::string anchor = anchor_of(trimmed(heading_text(text)));
    const int n = seen[anchor]++;
    out.anchors.insert(n == 0 ? anchor : anchor + "-" + std::to_string(n));
  };
  for (int number = first_line; !markdown.empty(); ++number) {
    const auto end = std::min(markdown.find('\n'), markdown.size());
    const std::string_view line = markdown.substr(0, end);
    markdown.remove_prefix(std::min(end + 1, markdown.size()));
    std::string_view text = trimmed(line);
    const auto ticks = std::min(text.find_first_not_of(text.starts_with('~') ? '~' : '`'), text.size());
    if (fence.empty() && ticks >= 3) {
      fence = std::string(text.substr(0, ticks));
      before = {};
      continue;
    }
    if (!fence.empty()) {
      if (text.starts_with(fence) && text.find_first_not_of(fence.front()) == std::string_view::npos)
        fence.clear();
      continue;
    }
    if (line.starts_with("    ") || line.starts_with("\t")) {
      before = {};
      continue; // code by indentation, or a list's: neither is worth a warning
    }
    const auto marks = std::min(text.find_first_not_of('#'), text.size());
    if (marks >= 1 && marks <= 6 && marks < text.size() && text[marks] == ' ') {
      while (text.ends_with('#'))
        text.remove_suffix(1);
      heading(text.substr(marks));
    } else if (!before.empty() && text.size() >= 2 &&
               (text.find_first_not_of('=') == std::string_view::npos ||
                text.find_first_not_of('-') == std::string_view::npos)) {
      heading(before);
    }
    collect_links(line, number, out.links);
    before = text;
  }
  return out;
}

std::string decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool is_elsewhere(std::string_view target) {
  if (target.empty() || target.starts_with("//"))
    return true;
  const auto colon = target.find(':');
  return colon != std::string_view::npos && colon < target.find_first_of("/?#");
}

class checker {
public:
  checker(const std::string& folder, const render_judge& judge) : folder_(folder), judge_(judge) {}

  std::vector<fault> run() {
    auto listed = list_folder(folder_);
    if (!listed) {
      faults_.push_back({"", 0, fault::severity::error, listed.error().detail});
      return faults_;
    }
    listing_ = std::move(*listed);
    for (const auto& [scope, wrong] : listing_.faults)
      faults_.insert(faults_.end(), wrong.begin(), wrong.end());
    if (!read_site())
      return sorted();
    // Contents of media are not read: any digest will do.
    context_ = {&site_, &listing_.languages, &shared_, [](const source_file& f) { return sha256_hex(f.path); }, judge_};
    std::vector<std::string> held;
    shared_ = read_media(context_, listing_.scopes["media"], faults_, held);
    read_courses();
    const shelf_source shelf = read_shelf(context_, listing_.scopes["texts"]);
    faults_.insert(faults_.end(), shelf.faults.begin(), shelf.faults.end());
    for (const auto& a : shelf.articles)
      add(a, paths::article(a.slug, a.language, site_.language));
    for (const auto& p : shelf.pages)
      add(p, paths::page(p.slug, p.language, site_.language));
    for (const auto& path : {"", "courses", "articles"}) {
      known_.insert(std::string("/") + path);
      for (const auto& language : listing_.languages)
        known_.insert("/" + language + (*path ? "/" : "") + path);
    }
    for (const auto& t : texts_)
      check(t);
    return sorted();
  }

private:
  struct text {
    text_source what;
    std::string path;
    outline lines;
  };

  bool read_site() {
    const auto& files = listing_.scopes["site"];
    if (files.empty()) {
      faults_.push_back(
          {"site.toml", 0, fault::severity::error,
           "there is none: write one with at least title = \"…\", or make a whole example with lyceum new DIR"});
      return false;
    }
    const auto bytes = read_text_file(files.front(), lesson_file_bytes_max);
    if (!bytes) {
      faults_.push_back({"site.toml", 0, fault::severity::error, bytes.error().detail});
      return false;
    }
    parsed_site parsed = parse_site(*bytes);
    faults_.insert(faults_.end(), parsed.faults.begin(), parsed.faults.end());
    site_ = std::move(parsed.site);
    return true;
  }

  void read_courses() {
    std::map<std::string, std::string> slugs;
    for (const auto& [scope, files] : listing_.scopes) {
      if (!scope.starts_with("courses/"))
        continue;
      const course_source course = read_course(context_, scope, files);
      faults_.insert(faults_.end(), course.faults.begin(), course.faults.end());
      const auto [first, fresh] = slugs.emplace(course.slug, scope);
      if (!fresh)
        faults_.push_back({scope, 0, fault::severity::error,
                           "two courses have the slug \"" + course.slug + "\": this one and " + first->second});
      for (const auto& t : course.texts)
        add(t, paths::course(t.slug, t.language, site_.language));
      for (const auto& t : course.lessons) {
        add(t, paths::lesson(course.slug, t.slug, t.language, site_.language));
        known_.insert(paths::course(course.slug, t.language, site_.language));
      }
    }
  }

  void add(const text_source& t, std::string path) {
    known_.insert(path);
    for (const auto& r : t.redirect_from) {
      // Two languages of one text name the same old address; two texts must not.
      const std::string self = scope_of(t.path) + "\n" + t.slug;
      const auto [first, fresh] = claims_.emplace(r, std::pair(self, t.path));
      if (!fresh && first->second.first != self)
        faults_.push_back({t.path, 0, fault::severity::error,
                           "redirect_from names \"" + r.slug + "\", which " + first->second.second +
                               " names too: one address can lead to one text only"});
      if (r.kind == "lesson")
        known_.insert(paths::lesson(r.parent, r.slug, site_.language, site_.language));
      else
        known_.insert((r.kind == "course" ? "/courses/" : r.kind == "article" ? "/articles/" : "/") + r.slug);
    }
    if (t.path.empty())
      return;
    // The body's first line in its file: the file ends with the body.
    const auto& scope = listing_.scopes[scope_of(t.path)];
    const auto file = std::find_if(scope.begin(), scope.end(), [&](const source_file& f) { return f.path == t.path; });
    int first_line = 1;
    if (file != scope.end())
      if (const auto bytes = read_text_file(*file, lesson_file_bytes_max);
          bytes && bytes->size() >= t.input.markdown.size())
        first_line = line_of(*bytes, bytes->size() - t.input.markdown.size());
    texts_.push_back({t, path, read_outline(t.input.markdown, first_line)});
    by_path_[path] = texts_.size() - 1;
  }

  void warn(const text& t, const link& l, std::string message) {
    faults_.push_back(
        {t.what.path, l.line, fault::severity::warning, "link to \"" + l.target + "\": " + std::move(message)});
  }

  void check(const text& t) {
    for (const link& l : t.lines.links) {
      if (is_elsewhere(l.target)) {
        if (l.image)
          faults_.push_back({t.what.path, l.line, fault::severity::warning,
                             "picture \"" + l.target +
                                 "\": of another host, so a link stands in its place; "
                                 "put the file beside the text to show it"});
        continue;
      }
      const auto hash = l.target.find('#');
      const std::string file = decoded(l.target.substr(0, std::min(hash, l.target.find('?'))));
      const std::string anchor = hash == std::string::npos ? "" : decoded(l.target.substr(hash + 1));
      if (file.empty())
        check_anchor(t, l, t, anchor);
      else if (!is_media(t, file))
        check_text(t, l, file, anchor);
    }
  }

  static bool is_media(const text& t, std::string file) {
    while (file.starts_with("./"))
      file.erase(0, 2);
    return std::any_of(t.what.input.media.begin(), t.what.input.media.end(),
                       [&](const auto& m) { return m.name == file; });
  }

  void check_text(const text& t, const link& l, std::string file, const std::string& anchor) {
    while (file.starts_with("./"))
      file.erase(0, 2);
    std::string path = file;
    if (file.ends_with(".md") && file.find('/') == std::string::npos) {
      const std::string stem = file.substr(0, file.size() - 3);
      const auto& slugs = t.what.input.slugs;
      const auto known = std::find_if(slugs.begin(), slugs.end(), [&](const auto& s) { return s.first == stem; });
      const auto digits = std::min(stem.find_first_not_of("0123456789"), stem.size());
      const bool numbered = digits > 0 && digits + 1 < stem.size() && stem[digits] == '-';
      path = t.what.input.base_path + paths::segment(known != slugs.end() ? known->second
                                                     : numbered           ? stem.substr(digits + 1)
                                                                          : stem);
    } else if (!file.starts_with('/')) {
      return warn(t, l, "there is no such file beside the text");
    }
    if (path.size() > 1 && path.ends_with('/'))
      path.pop_back();
    auto target = by_path_.find(path);
    if (target == by_path_.end() && !known_.contains(path))
      // Where a translation is missing, its reader is sent to the original.
      if (const auto prefix = paths::prefix(t.what.language, site_.language);
          !prefix.empty() && path.starts_with(prefix))
        path.erase(0, prefix.size());
    target = by_path_.find(path);
    if (target != by_path_.end())
      check_anchor(t, l, texts_[target->second], anchor);
    else if (!known_.contains(path))
      warn(t, l, "there is no such page");
  }

  void check_anchor(const text& t, const link& l, const text& target, const std::string& anchor) {
    if (!anchor.empty() && anchor != "top" && !target.lines.anchors.contains(anchor) && !anchor.starts_with("fn"))
      warn(t, l, "there is no heading with that anchor in " + target.what.path);
  }

  std::vector<fault> sorted() {
    std::stable_sort(faults_.begin(), faults_.end(), [](const fault& a, const fault& b) {
      return std::tie(a.file, a.line) < std::tie(b.file, b.line);
    });
    return std::move(faults_);
  }

  std::string folder_;
  const render_judge& judge_;
  folder_listing listing_;
  site_info site_;
  std::vector<media_source> shared_;
  reading_context context_;
  std::vector<text> texts_;
  std::unordered_map<std::string, std::size_t> by_path_;
  std::set<std::string> known_;
  std::map<redirect_source, std::pair<std::string, std::string>> claims_; // who had the address once, and its file
  std::vector<fault> faults_;
};

} // namespace

std::vector<fault> check_folder(const std::string& folder, const render_judge& judge) {
  return checker(folder, judge).run();
}

} // namespace lyceum::storage
