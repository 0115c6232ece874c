using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Sync.Tests.Architecture;

/// <summary>Nothing in the repository ties it to one machine, one person or one package mirror.</summary>
public sealed partial class TrackedFilesTests
{
    private const string Here = "tests/Sync.Tests/Architecture/";

    /// <summary>Real input that others wrote keeps its links.</summary>
    private static IEnumerable<string> Own => Repository.TextFiles.Where(file =>
        !file.StartsWith(Here, StringComparison.Ordinal)
        && !file.Contains("/data/", StringComparison.Ordinal)
        && !file.Contains("/vectors/", StringComparison.Ordinal));

    [Fact]
    public void No_file_names_a_path_of_one_machine() => Repository.ShouldBeNone(
        Offences(MachinePath()), "Take a path from the repository's root, a temp folder or a variable:");

    [Fact]
    public void No_file_names_a_package_host() => Repository.ShouldBeNone(
        Offences(PackageHost()), "Which host serves packages is the machine's setting:");

    [Fact]
    public void No_secret_is_in_a_file()
    {
        Repository.Exists(".gitignore").ShouldBeTrue();

        Repository.ShouldBeNone(Offences(PrivateKey()), "A secret comes from the environment or from an ignored file:");
    }

    [Fact]
    public void Scripts_stop_at_the_first_error() => Repository.ShouldBeNone(
        from file in Repository.TextFiles
        where file.StartsWith("infra/", StringComparison.Ordinal) || file.StartsWith(".ci/", StringComparison.Ordinal)
        let text = Repository.Read(file)
        where text.StartsWith("#!", StringComparison.Ordinal)
        where !text.Contains("set -eu", StringComparison.Ordinal)
            && !text.Contains("source \"$(dirname \"${BASH_SOURCE[0]}\")/lib.sh\"", StringComparison.Ordinal)
        select file,
        "A script starts with set -euo pipefail, or with lib.sh, which does:");

    private static IEnumerable<string> Offences(Regex pattern) =>
        from file in Own
        from line in Repository.Lines(file).Select((text, index) => (Text: text, Number: index + 1))
        where pattern.IsMatch(line.Text)
        select $"{file}:{line.Number}: {line.Text.Trim()[..Math.Min(120, line.Text.Trim().Length)]}";

    [GeneratedRegex(
        @"(?<![\w.}/])/(work|home|Users)/\w|(?<![\w.}/])/tmp/\w|[A-Z]:\\Users\\", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MachinePath();

    [GeneratedRegex(
        @"\bnuget\.org|\bnpmjs\.(org|com)|\bnpmmirror|\bpythonhosted\.org|\bjfrog\b|\bartifactory\b|deb\.debian\.org",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        1000)]
    private static partial Regex PackageHost();

    [GeneratedRegex("-----BEGIN [A-Z ]*PRIVATE KEY-----", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PrivateKey();
}
