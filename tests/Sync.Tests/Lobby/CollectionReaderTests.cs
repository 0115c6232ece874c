using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Xunit;

namespace Sync.Tests.Lobby;

/// <summary>A read of a whole collection is the fold of its facts up to one position, whatever happens between its pages.</summary>
public sealed class CollectionReaderTests
{
    private readonly ModelLedger _ledger = new();

    [Fact]
    public async Task Pages_that_stand_at_different_positions_are_joined_to_one()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var (ledger, random) = (new ModelLedger { PageMax = 3 }, new Random(seed));
            for (var number = 0; number < 12; number++) ledger.Put("g--a", $"k{random.Next(16):00}", $$"""{"n":{{number}}}""");
            ledger.Before = call =>
            {
                // Writers go on, but not for ever: a read that never comes to its end proves nothing.
                if (random.Next(3) == 0 || ledger.Last("g--a", "item").Value > 60) return Task.CompletedTask;
                var key = $"k{random.Next(16):00}";
                if (random.Next(3) == 0) ledger.Delete("g--a", key);
                else ledger.Put("g--a", key, $$"""{"n":{{random.Next()}}}""");
                return Task.CompletedTask;
            };

            var state = await new CollectionReader(ledger).ReadAsync("g--a", "item", TestContext.Current.CancellationToken);

            Shown(state.Records).ShouldBe(Shown(ledger.Fold("g--a", "item", state.At.Position)), $"seed {seed}");
        }
    }

    [Fact]
    public async Task A_history_that_changes_between_two_pages_begins_the_read_again()
    {
        _ledger.PageMax = 1;
        _ledger.Put("g--a", "one", "{}");
        _ledger.Put("g--a", "two", "{}");
        var calls = 0;
        _ledger.Before = _ =>
        {
            if (++calls == 2) _ledger.Restore(lost: 1);
            return Task.CompletedTask;
        };

        var state = await new CollectionReader(_ledger).ReadAsync("g--a", "item", TestContext.Current.CancellationToken);

        state.At.History.ShouldBe(_ledger.History);
        Shown(state.Records).ShouldBe(Shown(_ledger.Fold("g--a", "item", state.At.Position)));
    }

    [Fact]
    public async Task A_collection_over_the_limit_is_refused_and_not_cut()
    {
        for (var number = 0; number < 4; number++) _ledger.Put("g--a", $"k{number}", "{}");

        var reader = new CollectionReader(_ledger, new CollectionReaderLimits { RecordsMax = 3 });

        var error = await Should.ThrowAsync<SyncException>(() => reader.ReadAsync("g--a", "item"));
        error.Code.ShouldBe(SyncErrorCode.Exhausted);
        error.Message.ShouldContain("g--a/item");
    }

    private static string Shown(IEnumerable<Envelope> records) =>
        string.Join("; ", records.Select(record => $"{record.Key.Key}@{record.Sequence}={ModelLedger.Json(record.Value)}"));
}
