using System.Buffers;
using Shouldly;
using Sync.Contracts;
using Xunit;

namespace Sync.Tests.MessagePack;

public sealed class SharedParseTests
{
    [Fact]
    public void Each_schema_parses_an_envelope_once_whatever_it_makes_of_it()
    {
        var envelope = Make();
        var (first, second) = (new Counting<string>(() => Ok("one")), new Counting<string>(() => Ok("two")));
        var (wrong, number) = (new Counting<string>(() => ParseResult<string>.Err("no")), new Counting<int>(() => ParseResult<int>.Ok(7)));
        var nothing = new Counting<string?>(() => ParseResult<string?>.Ok(null));
        for (var time = 0; time < 3; time++)
        {
            envelope.Parse(wrong).Error.ShouldBe("no");
            envelope.Parse(nothing).Value.ShouldBeNull();
            envelope.Parse(first).Value.ShouldBe("one");
            envelope.Parse(second).Value.ShouldBe("two");
            envelope.Parse(number).Value.ShouldBe(7);
        }
        (first.Parses, second.Parses, wrong.Parses, number.Parses, nothing.Parses).ShouldBe((1, 1, 1, 1, 1));
    }

    [Fact]
    public void A_schema_that_does_not_share_parses_each_time()
    {
        var envelope = Make();
        var schema = new Counting<string>(() => Ok(new string('x', 1))) { Share = false };
        envelope.Parse(schema).Value.ShouldNotBeSameAs(envelope.Parse(schema).Value);
        schema.Parses.ShouldBe(2);
    }

    [Fact]
    public void To_share_what_the_first_schema_made_allocates_nothing_beside_it()
    {
        var schema = new Counting<string>(() => Ok("one"));
        Envelope[] envelopes = [.. Enumerable.Range(0, 1000).Select(_ => Make())];
        envelopes[0].Parse(schema);
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var envelope in envelopes) envelope.Parse(schema);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public void Threads_that_parse_at_the_same_time_all_get_the_result_of_their_schema()
    {
        Counting<string>[] schemas =
            [.. Enumerable.Range(0, 4).Select(number => new Counting<string>(() => Ok($"of {number}")))];
        for (var round = 0; round < 500; round++)
        {
            var envelope = Make();
            Parallel.For(0, 16, index => envelope.Parse(schemas[index % 4]).Value.ShouldBe($"of {index % 4}"));
        }
    }

    private static ParseResult<string> Ok(string value) => ParseResult<string>.Ok(value);

    private static Envelope Make() =>
        new() { Key = new("v", "c", "k"), Value = new byte[] { 0xc0 }, Sequence = new(1) };

    private sealed class Counting<T>(Func<ParseResult<T>> parse) : SyncSchema<T>
    {
        private int _parses;

        public int Parses => _parses;

        public override ParseResult<T> Parse(ReadOnlyMemory<byte> value)
        {
            Interlocked.Increment(ref _parses);
            return parse();
        }

        public override void Write(T value, IBufferWriter<byte> destination) => throw new NotSupportedException();
    }
}
