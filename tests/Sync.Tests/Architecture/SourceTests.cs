using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Sync.Tests.Architecture;

/// <summary>Rules of the source text that no analyzer holds.</summary>
public sealed partial class SourceTests
{
    private const int LinesMax = 400;
    private const string Here = "tests/Sync.Tests/Architecture/";

    [Fact]
    public void No_source_file_is_longer_than_400_lines() => Repository.ShouldBeNone(
        from file in Repository.Sources("shared", "services")
        let lines = Repository.Lines(file).Length
        where lines > LinesMax
        select $"{file}: {lines} lines",
        "Split it along its responsibilities:");

    [Fact]
    public void Cores_have_no_clock_no_task_no_thread_no_socket_and_no_chance() => Repository.ShouldBeNone(
        from file in Repository.Sources("shared")
        where file.EndsWith("Core.cs", StringComparison.Ordinal)
        // The wire client is I/O itself; nothing of it is simulated.
        where !file.StartsWith("shared/Sync.Nats/", StringComparison.Ordinal)
        from line in Code(file)
        where Impure().IsMatch(line.Text)
        select $"{file}:{line.Number}: {line.Text.Trim()}",
        "A core is a deterministic state machine; its shell does this:");

    [Fact]
    public void Raw_clocks_ids_and_chance_stay_out_of_what_ships() => Repository.ShouldBeNone(
        from file in Repository.Sources("shared", "services")
        from line in Code(file)
        where Raw().IsMatch(line.Text) && !line.Text.Contains("#pragma warning", StringComparison.Ordinal)
        select $"{file}:{line.Number}: {line.Text.Trim()}",
        "Inject TimeProvider, IIdSource or Random:");

    [Fact]
    public void Nothing_is_left_for_later() => Repository.ShouldBeNone(
        from file in Repository.Sources("shared", "services", "tests")
        where !file.StartsWith(Here, StringComparison.Ordinal)
        from line in Repository.Lines(file).Select((text, index) => (Text: text, Number: index + 1))
        where Unfinished().IsMatch(line.Text)
        select $"{file}:{line.Number}: {line.Text.Trim()}",
        "Finish it or take it out:");

    [Fact]
    public void Tests_wait_for_events_and_are_never_skipped() => Repository.ShouldBeNone(
        from file in Repository.Sources("tests")
        where !file.StartsWith(Here, StringComparison.Ordinal)
            && !file.StartsWith("tests/Sync.Benchmarks/", StringComparison.Ordinal)
            && !file.StartsWith("tests/Sync.Testing/", StringComparison.Ordinal)
            // Load clients pace themselves, and the check asks processes that it does not see.
            && !file.StartsWith("tests/Sync.ChaosTests/Clients/", StringComparison.Ordinal)
            && !file.StartsWith("tests/Sync.ChaosTests/Check/", StringComparison.Ordinal)
        from line in Code(file)
        where SleepOrSkip().IsMatch(line.Text)
        select $"{file}:{line.Number}: {line.Text.Trim()}",
        "Await the event; a test that cannot run fails:");

    [Theory]
    [InlineData("var now = DateTime.UtcNow;")]
    [InlineData("public async Task RunAsync()")]
    [InlineData("Task.Run(() => 1);")]
    [InlineData("lock (_gate)")]
    [InlineData("private readonly TimeProvider _time;")]
    [InlineData("int x = Random.Shared.Next();")]
    public void The_check_of_cores_sees_what_it_is_for(string line) => Impure().IsMatch(line).ShouldBeTrue();

    [Theory]
    [InlineData("internal sealed record RequestTask(long Id);")]
    [InlineData("DateTimeOffset committedAt")]
    [InlineData("bool blocked = true;")]
    public void The_check_of_cores_lets_values_and_names_pass(string line) => Impure().IsMatch(line).ShouldBeFalse();

    /// <summary>Lines of code; those that are only comment do not count.</summary>
    private static IEnumerable<(string Text, int Number)> Code(string file) =>
        Repository.Lines(file)
            .Select((text, index) => (Text: text, Number: index + 1))
            .Where(line => !line.Text.TrimStart().StartsWith("//", StringComparison.Ordinal));

    [GeneratedRegex(
        @"\b(DateTime(Offset)?\.(Utc)?Now|Stopwatch|TickCount|TimeProvider|Guid\.NewGuid|Random\b|async |await "
        + @"|Task\.|Task<|ValueTask|Thread\b|Socket\b|Channel\.|SemaphoreSlim|Monitor\.|Interlocked)|\block \(",
        RegexOptions.ExplicitCapture,
        1000)]
    private static partial Regex Impure();

    [GeneratedRegex(
        @"\bDateTime(Offset)?\.(Utc)?Now\b|\bGuid\.NewGuid\(|\bRandom\.Shared\b|\bThread\.Sleep\(|\bCreateUnbounded\b",
        RegexOptions.ExplicitCapture,
        1000)]
    private static partial Regex Raw();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException|^\s*#region", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Unfinished();

    [GeneratedRegex(
        @"\bTask\.Delay\(|\bThread\.Sleep\(|\bSkip\s*=|\bAssert\.Skip|\bSkipUnless\b|\bSkipWhen\b",
        RegexOptions.ExplicitCapture,
        1000)]
    private static partial Regex SleepOrSkip();
}
