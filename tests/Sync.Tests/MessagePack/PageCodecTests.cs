using Shouldly;
using Sync.Contracts;
using Sync.MessagePack;
using Xunit;

namespace Sync.Tests.MessagePack;

public sealed class PageCodecTests
{
    private static readonly string[] Vaults = ["acme", "pypi--django", "pypi--flask"];

    [Fact]
    public void A_snapshot_comes_back_as_it_went()
    {
        var page = Snapshot(records: 300, more: true);
        SnapshotCodec.DecodePage(SnapshotCodec.Encode(page)).Value.ShouldBeSameAs(page);
        var empty = Snapshot(records: 0, more: false);
        SnapshotCodec.DecodePage(SnapshotCodec.Encode(empty)).Value.ShouldBeSameAs(empty);
    }

    [Fact]
    public void A_guess_of_the_next_end_goes_with_a_whole_page_that_has_room_for_it()
    {
        var end = new SyncedKey("acme", "user", new string('z', 400));
        var page = Snapshot(records: 300, more: true, nextEnd: end);
        var bytes = SnapshotCodec.Encode(page);
        SnapshotCodec.DecodePage(bytes).Value.ShouldBeSameAs(page);
        SnapshotCodec.DecodePage(SnapshotCodec.Encode(page, bytes.Length)).Value.ShouldBeSameAs(page);
        foreach (var (bytesMax, records) in new[] { (bytes.Length - 1, 300), (20_000, 0) })
        {
            var cut = SnapshotCodec.DecodePage(SnapshotCodec.Encode(page, bytesMax)).Value;
            cut.NextEnd.ShouldBeNull();
            cut.Envelopes.Count.ShouldBeInRange(records, 300);
        }
    }

    [Theory]
    [InlineData(0, int.MaxValue)]
    [InlineData(1, 1)]
    [InlineData(300, 20_000)]
    [InlineData(5000, int.MaxValue)]
    public void A_page_in_rented_memory_has_the_same_bytes(int records, int bytesMax)
    {
        var page = Snapshot(records, more: false);
        var rented = SnapshotCodec.EncodeRented(page, bytesMax);
        rented.Memory.ToArray().ShouldBe(SnapshotCodec.Encode(page, bytesMax));
        rented.Dispose();
        rented.Dispose();
        Should.Throw<ObjectDisposedException>(() => rented.Memory);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(5000)]
    [InlineData(20_000)]
    public void A_snapshot_is_cut_where_the_size_says_and_tells_only_of_its_range(int bytesMax)
    {
        var page = Snapshot(records: 300, more: false);
        var bytes = SnapshotCodec.Encode(page, bytesMax);
        var cut = SnapshotCodec.DecodePage(bytes).Value;
        cut.Envelopes.Count.ShouldBeInRange(1, 299);
        if (cut.Envelopes.Count > 1) bytes.Length.ShouldBeLessThanOrEqualTo(bytesMax);
        cut.More.ShouldBeTrue();
        var last = cut.Envelopes[^1].Key;
        cut.Collections.ShouldBe(page.Collections.Where(
            entry => Utf8Order.Instance.Compare(new SyncedKey(entry.Vault, entry.Collection, ""), last) <= 0));
        for (var index = 0; index < cut.Envelopes.Count; index++) cut.Envelopes[index].ShouldBeSameAs(page.Envelopes[index]);
    }

    [Fact]
    public void Collections_without_a_record_cannot_make_a_page_too_large()
    {
        var empty = Enumerable.Range(0, 20_000)
            .Select(n => new CollectionEntry("acme", $"a{n:d6}{new string('x', 100)}", new(n + 1))).ToArray();
        foreach (var records in new[] { 0, 1 })
        {
            var page = Snapshot(records, more: false, empty);
            var bytes = SnapshotCodec.Encode(page, 64 * 1024);
            bytes.Length.ShouldBeLessThanOrEqualTo(64 * 1024 + 4096);
            var cut = SnapshotCodec.DecodePage(bytes).Value;
            cut.Envelopes.Count.ShouldBe(records);
            cut.Collections.Count.ShouldBeInRange(100, 1000);
        }
        SnapshotCodec.DecodePage(SnapshotCodec.Encode(Snapshot(1, more: false, empty))).Value.Collections.Count.ShouldBe(10_000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4000)]
    [InlineData(int.MaxValue)]
    public void Changes_are_cut_where_the_size_says_and_end_with_the_last_one(int bytesMax)
    {
        var page = new ChangesPage
        {
            Feed = new(3),
            History = new(99),
            Floor = new(1),
            Position = new(500),
            Through = new(400),
            Envelopes = [.. Enumerable.Range(1, 50).Select(n => Record("acme", "user", n))],
        };
        var bytes = ChangesCodec.Encode(page, bytesMax);
        var cut = ChangesCodec.DecodePage(bytes).Value;
        if (bytesMax == int.MaxValue)
        {
            cut.ShouldBeSameAs(page);
            return;
        }
        cut.Envelopes.Count.ShouldBeInRange(1, 49);
        cut.Through.ShouldBe(cut.Envelopes[^1].Position);
        if (cut.Envelopes.Count > 1) bytes.Length.ShouldBeLessThanOrEqualTo(bytesMax);
    }

    [Fact]
    public void The_largest_pages_are_read_and_one_more_is_refused()
    {
        var record = Record("acme", "user", 1);
        var most = Changes(Enumerable.Repeat(record, ChangesRequest.LimitMax));
        ChangesCodec.DecodePage(ChangesCodec.Encode(most)).Value.Envelopes.Count.ShouldBe(ChangesRequest.LimitMax);
        var over = Changes(Enumerable.Repeat(record, ChangesRequest.LimitMax + 1));
        ChangesCodec.DecodePage(ChangesCodec.Encode(over)).Error.ShouldNotBeNull().ShouldContain("10000");
    }

    [Fact]
    public void A_read_page_keeps_values_apart_from_the_message_and_from_each_other()
    {
        var bytes = ChangesCodec.Encode(Changes(Enumerable.Range(1, 500).Select(n => Record("acme", "user", n))));
        var page = ChangesCodec.DecodePage(bytes).Value;
        Array.Clear(bytes);
        for (var index = 0; index < 500; index++) page.Envelopes[index].ShouldBeSameAs(Record("acme", "user", index + 1));
    }

    [Fact]
    public void A_page_is_written_and_read_with_little_beside_its_records()
    {
        const int records = 2000;
        var page = Changes(Enumerable.Range(1, records).Select(n => Record("acme", "user", n)));
        ChangesCodec.DecodePage(ChangesCodec.Encode(page));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var bytes = ChangesCodec.Encode(page);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(bytes.Length * 3L);
        before = GC.GetAllocatedBytesForCurrentThread();
        var read = ChangesCodec.DecodePage(bytes);
        var ofOne = (GC.GetAllocatedBytesForCurrentThread() - before) / records;
        // The envelope itself, the text of its key, its value, and nothing else.
        ofOne.ShouldBeLessThan(400);
        read.Value.Envelopes.Count.ShouldBe(records);
    }

    [Fact]
    public void Vaults_and_group_answers_come_back_as_they_went()
    {
        var vaults = new VaultsPage
        {
            History = new(99),
            Vaults = [new("pypi--django", new(3), new(7)), new("pypi--flask", new(0), Position.Start)],
            More = true,
        };
        VaultsCodec.DecodePage(Samples.Bytes(to => VaultsCodec.Encode(vaults, to))).Value.ShouldBeSameAs(vaults);
        VaultAnswer[] answers = [new("pypi--django", Answer(Samples.Envelope())), new("pypi--flask", Answer())];
        var read = GroupAnswerCodec.Decode(Samples.Bytes(to => GroupAnswerCodec.Encode(answers, to))).Value;
        read.Select(one => one.Vault).ShouldBe(answers.Select(one => one.Vault));
        for (var index = 0; index < answers.Length; index++) read[index].Answer.ShouldBeSameAs(answers[index].Answer);
    }

    private static EnvelopeAnswer Answer(params Envelope[] envelopes) =>
        new() { Feed = new(3), History = new(99), Floor = new(1), Position = new(9), Answered = 2, Envelopes = envelopes };

    private static ChangesPage Changes(IEnumerable<Envelope> envelopes) => new()
    {
        Feed = new(3),
        History = new(99),
        Floor = new(1),
        Position = new(500),
        Through = new(500),
        Envelopes = [.. envelopes],
    };

    // Records of two collections in three vaults; an empty collection before, between and behind each.
    private static SnapshotPage Snapshot(
        int records, bool more, CollectionEntry[]? before = null, SyncedKey? nextEnd = null)
    {
        var collections = Vaults.SelectMany(_ => new[] { "a", "file", "k", "user", "z" }, (vault, name) => (vault, name)).ToArray();
        var full = collections.Where(one => one.name.Length > 1).ToArray();
        var each = (records + full.Length - 1) / full.Length;
        return new SnapshotPage
        {
            Feeds = 8,
            Feed = new(3),
            History = new(99),
            Floor = new(1),
            Position = new(100_000),
            Envelopes = [.. full.SelectMany(one => Enumerable.Range(1, each).Select(n => Record(one.vault, one.name, n))).Take(records)],
            Collections = before ?? [.. collections.Select((one, index) => new CollectionEntry(one.vault, one.name, new(index + 1)))],
            More = more,
            NextEnd = nextEnd,
        };
    }

    private static Envelope Record(string vault, string collection, int n)
    {
        byte[] value = [0xc4, 2, (byte)(n >> 8), (byte)n];
        return new()
        {
            Key = new(vault, collection, $"key-{n:d6}"),
            Value = value,
            SchemaVersion = new("1.0"),
            Sequence = new(n),
            Id = Samples.Id(n),
            Feed = new(3),
            Position = new(n),
            History = new(99),
            Hash = Hash256.Of(value),
            After = new(n - 1),
            Time = new(1_732_147_200_123_456 + n),
            Producer = "service:billing",
        };
    }
}
