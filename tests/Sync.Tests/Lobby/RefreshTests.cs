using Shouldly;
using Sync.Contracts;
using Sync.Lobby.Insights;
using Sync.Testing;
using Xunit;

namespace Sync.Tests.Lobby;

/// <summary>What a refresh writes, skips and leaves alone.</summary>
public sealed class RefreshTests
{
    private readonly ModelLedger _ledger = new();
    private readonly ManualTimeProvider _time = new();

    public RefreshTests()
    {
        _ledger.Put("g--a", "one", """{"n":1}""");
        _ledger.Put("g--b", "one", """{"n":1}""");
        _ledger.Put("g--b", "two", """{"n":2}""");
        _ledger.Put("g--b", "cover", "{}", "other");
    }

    [Fact]
    public async Task Each_shard_has_one_summary_of_each_derivation_with_its_provenance()
    {
        var report = await Group().WithCrossVaultDerivation(Counts("c")).WithCrossVaultDerivation(Counts("o", "other")).RefreshInsightsAsync();

        (report.Written, report.SkippedVaults.Count).ShouldBe((4, 0));
        var summary = _ledger.Summary("insight", "c", "b").ShouldNotBeNull();
        ModelLedger.Json(summary.Summary).ShouldBe("""{"live":2,"bytes":8}""");
        summary.Provenance.ShouldBe(new Provenance(
            "g--b", "item", summary.Provenance.At, "c", "counts-1", Timestamp.From(_time.GetUtcNow()), 2));
        summary.Provenance.At.Position.Value.ShouldBeGreaterThanOrEqualTo(_ledger.Last("g--b", "item").Value);
        ModelLedger.Json(_ledger.Summary("insight", "o", "a")!.Summary).ShouldBe("""{"live":0,"bytes":0}""");
    }

    [Fact]
    public async Task Without_derivations_nothing_is_written_and_no_shard_is_opened()
    {
        _ledger.Before = call => Task.FromException(new InvalidOperationException(call));

        (await Group().RefreshInsightsAsync()).Written.ShouldBe(0);
    }

    [Theory]
    [InlineData("throws", "derive threw: boom")]
    [InlineData("null", "returned nothing")]
    [InlineData("record", "a source record")]
    [InlineData("wrapped", "holds a source record")]
    [InlineData("large", "at most 1024 may cross")]
    [InlineData("number", "is no map")]
    [InlineData("cut", "is not one MessagePack value")]
    public async Task A_shard_whose_derivation_fails_is_listed_keeps_its_earlier_summary_and_harms_no_other(string how, string why)
    {
        await Group().WithCrossVaultDerivation(Counts("c")).RefreshInsightsAsync();
        _ledger.Put("g--a", "two", """{"n":3}""");
        _ledger.Put("g--b", "three", """{"n":3}""");
        var good = Counts("c");
        var bad = good with
        {
            Derive = (records, context) => context.PartitionKey == "b" ? good.Derive(records, context) : how switch
            {
                "throws" => throw new InvalidOperationException("boom"),
                "null" => null,
                "record" => records[0].Value.ToArray(),
                "wrapped" => ModelLedger.Pack($$"""{"newest":{{ModelLedger.Json(records[0].Value)}}}"""),
                "large" => ModelLedger.Pack($$"""{"text":"{{new string('x', 1024)}}"}"""),
                "number" => [7],
                _ => [0x81],
            },
        };

        var report = await Group(new InsightOptions { SummaryBytesMax = 1024 }).WithCrossVaultDerivation(bad).RefreshInsightsAsync();

        report.Written.ShouldBe(1);
        var skipped = report.SkippedVaults.ShouldHaveSingleItem();
        (skipped.Vault, skipped.Derivation, skipped.Reason).ShouldBe(("g--a", "c", "error"));
        skipped.Detail.ShouldContain(why);
        ModelLedger.Json(_ledger.Summary("insight", "c", "a")!.Summary).ShouldBe("""{"live":1,"bytes":4}""");
        ModelLedger.Json(_ledger.Summary("insight", "c", "b")!.Summary).ShouldBe("""{"live":3,"bytes":12}""");
    }

    [Fact]
    public async Task Fail_fast_throws_what_would_be_listed()
    {
        var group = Group().WithCrossVaultDerivation(Counts("c") with { Derive = (_, _) => null });

        var error = await Should.ThrowAsync<SyncException>(() => group.RefreshInsightsAsync(failFast: true));
        error.Message.ShouldContain("g--a, derivation 'c': derive returned nothing");
    }

    [Fact]
    public async Task Only_some_shards_are_derived_and_an_unknown_one_is_listed()
    {
        var report = await Group().WithCrossVaultDerivation(Counts("c")).RefreshInsightsAsync(only: ["b", "none"]);

        report.Written.ShouldBe(1);
        report.SkippedVaults.ShouldBe([new SkippedVault("g--none", null, "error", "there is no such shard")]);
        _ledger.Summary("insight", "c", "a").ShouldBeNull();
        _ledger.Shards("g").Order(StringComparer.Ordinal).ShouldBe(["g--a", "g--b"]);
    }

    [Fact]
    public async Task A_shard_with_records_of_a_lower_schema_version_is_schema_drift()
    {
        _ledger.Put("g--a", "one", """{"n":1}""", version: "2.10");
        _ledger.Put("g--b", "two", """{"n":1}""", version: "2.9");

        var report = await Group().WithCrossVaultDerivation(Counts("c")).RefreshInsightsAsync(minVersion: new SchemaVersion("2.10"));

        report.Written.ShouldBe(1);
        report.SkippedVaults.ShouldHaveSingleItem().Reason.ShouldBe("schema-drift");
        report.SkippedVaults[0].Vault.ShouldBe("g--b");
    }

    [Fact]
    public async Task A_refresh_is_repeatable_writes_nothing_new_and_puts_right_what_was_written_by_hand()
    {
        var group = Group().WithCrossVaultDerivation(Counts("c"));
        await group.RefreshInsightsAsync();
        // The feed of the shards must not move on with the summaries, else a later position is news.
        _ledger.FeedOf("insight").ShouldNotBe(_ledger.FeedOf("g--a"));
        var last = _ledger.Last("insight", "c");

        (await group.RefreshDerivationAsync("a")).Written.ShouldBe(1);
        _ledger.Last("insight", "c").ShouldBe(last);

        _ledger.Put("insight", "a", """{"summary":{"live":99},"provenance":{}}""", "c");
        await group.RefreshDerivationAsync("a");
        ModelLedger.Json(_ledger.Summary("insight", "c", "a")!.Summary).ShouldBe("""{"live":1,"bytes":4}""");
    }

    [Fact]
    public async Task An_older_summary_never_replaces_a_newer_one_that_was_written_meanwhile()
    {
        var group = Group().WithCrossVaultDerivation(Counts("c"));
        var isOuter = true;
        _ledger.Before = async call =>
        {
            if (call != "write" || !isOuter) return;
            // Between the look at what is there and the write, a second host derives a later position.
            isOuter = false;
            _ledger.Put("g--a", "two", """{"n":2}""");
            (await Group().WithCrossVaultDerivation(Counts("c")).RefreshDerivationAsync("a")).Written.ShouldBe(1);
        };

        (await group.RefreshInsightsAsync(only: ["a"])).Written.ShouldBe(1);

        isOuter.ShouldBeFalse();
        ModelLedger.Json(_ledger.Summary("insight", "c", "a")!.Summary).ShouldBe("""{"live":2,"bytes":8}""");
    }

    private InsightGroup Group(InsightOptions? options = null) => new("g", _ledger, _ledger, options, _time);

    private static CrossVaultDerivation Counts(string name, string source = "item") =>
        SampleDerivations.Make("counts", null, name, source, ("insight", name), true);
}
