using Shouldly;
using Sync.Contracts;
using Sync.Lobby.Insights;
using Xunit;

namespace Sync.Tests.Lobby;

/// <summary>What may be registered, and what the samples make.</summary>
public sealed class DerivationTests
{
    private readonly ModelLedger _ledger = new();

    [Theory]
    [InlineData("g", "counts", "the group itself")]
    [InlineData("g--a", "counts", "one of the group's shards")]
    [InlineData("_insight", "counts", "system's own")]
    [InlineData("insight", "_counts", "system's own")]
    [InlineData("in/sight", "counts", "characters other than")]
    public void A_target_that_would_mix_summaries_with_what_they_are_of_is_refused(string vault, string collection, string why)
    {
        var error = Should.Throw<SyncException>(() => Group().WithCrossVaultDerivation(Sample("a", (vault, collection))));

        error.Code.ShouldBe(SyncErrorCode.Invalid);
        error.Message.ShouldContain(why);
    }

    [Fact]
    public void A_name_and_a_target_are_of_one_derivation()
    {
        var group = Group().WithCrossVaultDerivation(Sample("a", ("insight", "one")));

        Should.Throw<SyncException>(() => group.WithCrossVaultDerivation(Sample("a", ("insight", "two")))).Message.ShouldContain("used already");
        Should.Throw<SyncException>(() => group.WithCrossVaultDerivation(Sample("b", ("insight", "one")))).Message.ShouldContain("that of 'a'");
    }

    [Theory]
    [InlineData("median", null, "there is no kind 'median'; known are counts, newest, totals")]
    [InlineData("totals", null, "needs a field")]
    [InlineData("counts", "score", "takes no field")]
    public void A_sample_that_does_not_exist_or_cannot_work_is_refused(string kind, string? field, string why) =>
        Should.Throw<SyncException>(() => SampleDerivations.Make(kind, field, "a", "item", ("insight", "c"), true)).Message.ShouldContain(why);

    [Fact]
    public void Counts_are_of_live_records()
    {
        _ledger.Put("g--a", "one", """{"n":1}""");
        _ledger.Put("g--a", "two", """{"n":1}""");
        _ledger.Delete("g--a", "one");

        Derive("counts", null).ShouldBe("""{"live":1,"bytes":4}""");
    }

    [Fact]
    public void The_newest_is_by_transaction_time_or_by_a_field_and_the_record_itself_does_not_cross()
    {
        _ledger.Put("g--a", "late", """{"score":1.5,"text":"secret"}""");
        _ledger.Put("g--a", "high", """{"score":7,"text":"secret"}""");
        _ledger.Put("g--a", "other", """{"text":"no score"}""");
        _ledger.Put("g--a", "late", """{"score":2.5,"text":"secret"}""");

        Derive("newest", null).ShouldStartWith("""{"key":"late","sequence":2,"time":"1970-01-01T00:00:01""");
        Derive("newest", "score").ShouldMatch("""^\{"key":"high","sequence":1,"time":"[^"]+","value":7\}$""");
        Derive("newest", "absent").ShouldBe("""{"key":null}""");
    }

    [Fact]
    public void Totals_are_exact_in_any_order_and_count_equal_values_together()
    {
        string[] values = ["7", "7.0", "0.1", "0.2", "-0.0", "9223372036854775807", "1e-7", "\"7\"", "true", "null", "[1]"];
        for (var number = 0; number < values.Length; number++) _ledger.Put("g--a", $"k{number:00}", $$"""{"score":{{values[number]}}}""");

        Derive("totals", "score").ShouldBe(
            """{"field":"score","present":9,"sum":"9223372036854775821.3000001","groups":["""
            + """[7,2],[true,1],[-0.0,1],[1E-07,1],[0.1,1],[0.2,1],[9223372036854775807,1],["7",1]],"others":0}""");
    }

    [Fact]
    public void Totals_have_a_bounded_number_of_groups_and_say_what_is_left_out()
    {
        for (var number = 0; number < 150; number++) _ledger.Put("g--a", $"k{number:000}", $$"""{"score":{{number}}}""");

        var totals = Derive("totals", "score");

        totals.ShouldContain("[99,1]],\"others\":50}");
        totals.ShouldNotContain("[100,1]");
    }

    private string Derive(string kind, string? field)
    {
        var at = new FeedPosition(_ledger.FeedOf("g--a"), _ledger.History, _ledger.Last("g--a", "item"));
        var context = new DerivationContext("g--a", "a", SchemaVersion.Default, at);
        var derivation = SampleDerivations.Make(kind, field, "a", "item", ("insight", "c"), true);
        return ModelLedger.Json(derivation.Derive(_ledger.Fold("g--a", "item", at.Position), context)!);
    }

    private InsightGroup Group() => new("g", _ledger, _ledger);

    private static CrossVaultDerivation Sample(string name, (string, string) target) =>
        SampleDerivations.Make("counts", null, name, "item", target, true);
}
