using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Ledger;
using Xunit;

namespace Sync.Tests.Ledger;

public sealed class PublisherCoreTests
{
    [Fact]
    public void Envelopes_go_out_in_feed_order_at_once_and_the_beat_follows_after_quiet()
    {
        var rig = new PublisherRig();
        rig.Run();
        rig.Append("a", "b");
        rig.Run().ShouldBe(TimeSpan.FromMilliseconds(100));
        rig.Handed.ShouldBe([1L, 2L]);
        rig.Beats.ShouldBeEmpty();
        rig.Pass(99);
        rig.Beats.ShouldBeEmpty();
        rig.Pass(1);
        var beat = rig.Beats.ShouldHaveSingleItem();
        (beat.Prev.Value, beat.Position.Value, beat.Epoch.Value).ShouldBe((0L, 2L, 9L));
        beat.Collections.ShouldBe([new BeatCollection("acme", "user", new Position(2))]);
        beat.Keys.ShouldBe(new[] { "a", "b" }.Select((key, index) => new BeatKey(Crc32.Of(LedgerTexts.User(key)), (uint)index + 1))
            .OrderBy(key => key.Crc));
    }

    [Fact]
    public void A_key_that_changed_twice_is_named_once_with_its_last_position()
    {
        var rig = new PublisherRig();
        rig.Append("a", "b", "a");
        rig.Run();
        rig.Pass(100);
        rig.Beats[0].Keys.Single(key => key.Crc == Crc32.Of(LedgerTexts.User("a"))).Offset.ShouldBe(3u);
        rig.Beats[0].Keys.Count.ShouldBe(2);
    }

    [Fact]
    public void While_changes_go_on_a_beat_goes_out_every_second_and_they_form_a_chain()
    {
        var rig = new PublisherRig();
        rig.Run();
        for (var turn = 0; turn < 100; turn++)
        {
            rig.Append($"k{turn}");
            rig.Pass(50);
        }
        rig.Beats.Count.ShouldBe(5);
        for (var index = 1; index < rig.Beats.Count; index++)
            rig.Beats[index].Prev.ShouldBe(rig.Beats[index - 1].Position);
    }

    [Fact]
    public void An_idle_feed_beats_every_second_with_nothing_changed()
    {
        var rig = new PublisherRig(before: 3, published: 3);
        rig.Run();
        rig.Pass(1000);
        rig.Pass(1000);
        rig.Beats.Select(beat => (beat.Prev.Value, beat.Position.Value, beat.Keys.Count))
            .ShouldBe([(3L, 3L, 0), (3L, 3L, 0)]);
        rig.IsFlushing.ShouldBeFalse();
    }

    [Fact]
    public void A_beat_goes_out_when_it_names_all_the_keys_or_collections_that_it_can()
    {
        var keys = new PublisherRig();
        for (var number = 0; number < Beat.KeysMax + 10; number++) keys.Append($"k{number}");
        keys.Run();
        var first = keys.Beats.ShouldHaveSingleItem();
        first.Keys.Count.ShouldBe(Beat.KeysMax);
        first.Position.Value.ShouldBeLessThan(Beat.KeysMax + 5);
        keys.Pass(100);
        keys.Beats[1].Prev.ShouldBe(first.Position);
        var collections = new PublisherRig();
        for (var number = 0; number < Beat.CollectionsMax + 1; number++)
            collections.Core.Append(collections.Commit("k", $"c{number}"));
        collections.Run();
        collections.Beats.ShouldHaveSingleItem().Collections.Count.ShouldBe(Beat.CollectionsMax);
    }

    [Fact]
    public void Only_a_flush_behind_a_covering_beat_confirms()
    {
        var rig = new PublisherRig();
        rig.Append("a", "b");
        rig.Run();
        rig.Core.ToSave.ShouldBe(Position.Start);
        rig.Pass(100);
        rig.Append("c");
        rig.Run();
        rig.Core.ToSave.ShouldBe(Position.Start);
        rig.Flush();
        rig.Core.ToSave.ShouldBe(new Position(2));
        rig.Core.Handed.ShouldBe(new Position(3));
        rig.Pass(100);
        rig.Flush();
        rig.Core.ToSave.ShouldBe(new Position(3));
    }

    [Fact]
    public void A_failed_flush_and_a_new_connection_start_again_behind_the_confirmed_position()
    {
        var rig = new PublisherRig();
        rig.Append("a", "b");
        rig.Run();
        rig.Pass(100);
        rig.Flush();
        rig.Append("c", "d");
        rig.Run();
        rig.Pass(100);
        rig.Flush(isConfirmed: false);
        rig.Handed.ShouldBe([1L, 2L, 3L, 4L, 3L, 4L]);
        rig.Pass(100);
        rig.Core.Restart();
        rig.Run();
        rig.Handed.ShouldBe([1L, 2L, 3L, 4L, 3L, 4L, 3L, 4L]);
        // The flush was asked for before the restart: its answer says nothing about what was handed over since.
        rig.Flush();
        rig.Core.ToSave.ShouldBe(new Position(2));
        rig.Pass(100);
        rig.Flush();
        rig.Core.ToSave.ShouldBe(new Position(4));
        rig.Beats.ShouldAllBe(beat => beat.Prev.Value <= 2 && beat.Position >= beat.Prev);
        rig.Beats[^1].Prev.ShouldBe(new Position(2));
    }

    [Fact]
    public void A_beat_never_covers_what_was_not_handed_to_its_connection()
    {
        var rig = new PublisherRig();
        rig.Append("a", "b", "c");
        rig.Core.Next(rig.Now, default).Fact!.Position.ShouldBe(new Position(1));
        rig.Now += TimeSpan.FromSeconds(1);
        var beat = rig.Core.Next(rig.Now, default);
        beat.Kind.ShouldBe(PublishKind.Beat);
        beat.Beat!.Position.ShouldBe(new Position(1));
        rig.Core.Restart();
        rig.Now += TimeSpan.FromSeconds(1);
        rig.Core.Next(rig.Now, default).Beat!.Position.ShouldBe(Position.Start);
    }

    [Fact]
    public void A_new_owner_begins_behind_the_saved_position_before_its_own_first_fact()
    {
        var rig = new PublisherRig(before: 5, published: 2);
        rig.Append("own");
        rig.Run();
        rig.Handed.ShouldBe([3L, 4L, 5L, 6L]);
        rig.Reads[0].ShouldBe(2);
        rig.Pass(100);
        (rig.Beats[0].Prev.Value, rig.Beats[0].Position.Value).ShouldBe((2L, 6L));
    }

    [Theory]
    [InlineData(4, 1L << 20)]
    [InlineData(1000, 65_536L)]
    public void What_does_not_fit_in_memory_is_read_from_the_ledger_in_order(int factsMax, long bytesMax)
    {
        var rig = new PublisherRig(new LedgerOptions
        {
            Owner = "one",
            PublishBufferFactsMax = factsMax,
            PublishBufferBytesMax = bytesMax,
            PublishReadFactsMax = 3,
        });
        for (var number = 0; number < 20; number++) rig.Append(new string('k', 100) + number);
        for (var turn = 0; turn < 100 && rig.Core.Confirmed < new Position(20); turn++)
        {
            rig.Pass(100);
            if (rig.IsFlushing) rig.Flush();
        }
        rig.Core.Confirmed.ShouldBe(new Position(20));
        rig.Handed.ShouldBe(Enumerable.Range(1, 20).Select(number => (long)number));
        (rig.Reads.Count > 0).ShouldBe(factsMax == 4);
        // Caught up: it is in memory again.
        var reads = rig.Reads.Count;
        rig.Append("again");
        rig.Run();
        rig.Handed[^1].ShouldBe(21);
        rig.Reads.Count.ShouldBe(reads);
    }

    [Fact]
    public void A_full_buffer_beats_early_so_that_it_can_be_let_go()
    {
        var rig = new PublisherRig(new LedgerOptions { Owner = "one", PublishBufferFactsMax = 4 });
        rig.Append("a", "a", "a", "a", "a", "a");
        rig.Run();
        rig.Beats.ShouldHaveSingleItem().Position.ShouldBe(new Position(4));
        rig.Handed.ShouldBe([1L, 2L, 3L, 4L]);
        rig.Flush();
        rig.Handed.ShouldBe([1L, 2L, 3L, 4L, 5L, 6L]);
    }

    [Fact]
    public void A_failed_read_is_asked_again()
    {
        var rig = new PublisherRig(before: 2);
        var step = rig.Core.Next(rig.Now, default);
        step.Kind.ShouldBe(PublishKind.Read);
        rig.Core.Next(rig.Now, default).Kind.ShouldBe(PublishKind.Wait);
        rig.Core.ReadReturned(step.Token, []);
        rig.Run();
        rig.Handed.ShouldBe([1L, 2L]);
    }

    [Fact]
    public void A_take_over_from_oneself_names_the_new_epoch_and_publishes_what_others_wrote()
    {
        var rig = new PublisherRig();
        rig.Append("a");
        rig.Run();
        rig.Commit("foreign");
        rig.Core.TakenOver(new FeedState(new(new FeedId(0), new LeaseEpoch(12), "one"), new Position(2), default, default, Position.Start));
        rig.Pass(100);
        rig.Handed.ShouldBe([1L, 2L]);
        rig.Pass(100);
        rig.Beats[^1].Epoch.Value.ShouldBe(12);
    }

    [Fact]
    public void Planted_faults_break_the_rules_that_they_name()
    {
        var saved = new PublisherRig(faults: new PlantedFaults { PublishedSavedBeforeFlush = true });
        saved.Append("a");
        saved.Run();
        saved.Core.ToSave.ShouldBe(new Position(1));
        var resumed = new PublisherRig(faults: new PlantedFaults { ResumeFromHandedAfterReconnect = true });
        resumed.Append("a");
        resumed.Run();
        resumed.Core.Restart();
        resumed.Run();
        resumed.Handed.ShouldBe([1L]);
        var ahead = new PublisherRig(faults: new PlantedFaults { BeatAheadOfEnvelopes = true });
        ahead.Append("a", "b");
        ahead.Core.Next(ahead.Now, default);
        ahead.Now += TimeSpan.FromSeconds(1);
        ahead.Core.Next(ahead.Now, default).Beat!.Position.ShouldBe(new Position(2));
        var silent = new PublisherRig(faults: new PlantedFaults { NoBeats = true });
        silent.Append("a");
        silent.Pass(5000);
        silent.Beats.ShouldBeEmpty();
    }
}
