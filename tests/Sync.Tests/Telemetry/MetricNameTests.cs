using System.Text.Json;
using System.Text.RegularExpressions;
using Shouldly;
using Sync.Tests.Architecture;
using Xunit;

namespace Sync.Tests.Telemetry;

/// <summary>Dashboards and docs name the metrics that exist.</summary>
public sealed partial class MetricNameTests
{
    private const string Operations = "docs/OPERATIONS.md";

    private static IEnumerable<string> Dashboards =>
        Repository.Files.Where(file => file.StartsWith("infra/dashboards/", StringComparison.Ordinal));

    [Fact]
    public void Every_metric_of_a_dashboard_is_registered_by_a_meter()
    {
        var known = Instruments.All.Values.SelectMany(Instruments.PrometheusNames).ToHashSet(StringComparer.Ordinal);
        var used = (from file in Dashboards
                    from expression in Expressions(JsonDocument.Parse(Repository.Read(file)).RootElement)
                    from match in PrometheusName().Matches(expression)
                    select (File: file, Name: match.Value)).ToList();
        used.Count.ShouldBeGreaterThan(50);
        Repository.ShouldBeNone(
            used.Where(one => !known.Contains(one.Name)).Select(one => $"{one.File}: {one.Name}"),
            "A dashboard shows a metric that is not there:");
    }

    [Fact]
    public void The_docs_list_every_metric_and_no_other()
    {
        var listed = MetricRow().Matches(Repository.Read(Operations)).Select(match => match.Groups["name"].Value).ToList();
        listed.Order(StringComparer.Ordinal).ShouldBe(Instruments.All.Keys.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Expressions(JsonElement board) =>
        from panel in board.GetProperty("panels").EnumerateArray()
        from target in panel.GetProperty("targets").EnumerateArray()
        select target.GetProperty("expr").GetString()!;

    [GeneratedRegex(@"\bsync_[a-z_]+", RegexOptions.None, 1000)]
    private static partial Regex PrometheusName();

    [GeneratedRegex(@"^\| `(?<name>sync\.[a-z_.]+)` \| (counter|gauge|up-down|histogram)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MetricRow();
}
