using Shouldly;
using Sync.Contracts;
using Sync.MessagePack;
using Xunit;

namespace Sync.Tests.MessagePack;

public sealed class FormatVectorTests
{
    [Fact]
    public void Every_value_of_the_vectors_is_read_as_what_it_is()
    {
        foreach (var vector in VectorFile.Vectors("format.json"))
        {
            var bytes = vector.Bytes();
            MsgPackCheck.Check(bytes).ShouldBeNull(vector.Name());
            var reader = new MsgPackReader(bytes);
            Tagged.ShouldRead(ref reader, vector.GetProperty("decoded"));
            reader.TryEnd().ShouldBeTrue(vector.Name());
            var skipper = new MsgPackReader(bytes);
            (skipper.TrySkip() && skipper.TryEnd()).ShouldBeTrue(vector.Name());
        }
    }

    [Fact]
    public void Every_value_is_written_in_its_shortest_form()
    {
        foreach (var vector in VectorFile.Vectors("format.json"))
        {
            var written = Samples.Bytes(to =>
            {
                var writer = new MsgPackWriter(to);
                Tagged.Write(ref writer, vector.GetProperty("decoded"));
                writer.Flush();
            });
            if (vector.GetProperty("shortest").GetBoolean()) written.ShouldBe(vector.Bytes(), vector.Name());
            else written.ShouldNotBe(vector.Bytes(), vector.Name());
        }
    }

    [Fact]
    public void What_the_public_libraries_write_is_read_as_what_it_is()
    {
        foreach (var vector in VectorFile.Vectors("foreign.json"))
        {
            var name = $"{vector.Text("library")}: {vector.Text("name") ?? vector.Text("message")}";
            var bytes = vector.Bytes();
            MsgPackCheck.Check(bytes).ShouldBeNull(name);
            if (vector.Text("message") is { } message)
            {
                Codecs.Decode(message, bytes).ShouldBeNull(name);
                continue;
            }
            var reader = new MsgPackReader(bytes);
            Tagged.ShouldRead(ref reader, vector.GetProperty("decoded"));
            reader.TryEnd().ShouldBeTrue(name);
        }
    }

    [Fact]
    public void What_is_no_value_is_an_error_that_says_what_and_where()
    {
        foreach (var vector in VectorFile.Vectors("malformed.json"))
        {
            var bytes = vector.Bytes();
            var error = MsgPackCheck.Check(bytes).ShouldNotBeNull(vector.Name());
            error.What.ShouldNotBeNull().ShouldContain(vector.Text("error")!, Case.Insensitive, vector.Name());
            error.Offset.ShouldBeInRange(0, bytes.Length, vector.Name());
        }
    }

    [Fact]
    public void A_lying_length_allocates_nothing()
    {
        string[] bombs = ["dbffffffff61", "c6ffffffff61", "c9ffffffff0561", "ddffffffffc0", "dfffffffffc0c0", "dd7fffffffc0", "df40000000c0c0"];
        foreach (var bomb in bombs.Select(Convert.FromHexString))
        {
            Look(bomb);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var passed = Look(bomb);
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
            passed.ShouldBe(0);
        }

        static int Look(byte[] bytes)
        {
            var passed = 0;
            var reader = new MsgPackReader(bytes);
            if (reader.TrySkip()) passed++;
            reader = new MsgPackReader(bytes);
            if (reader.TryReadString(out _) || reader.TryReadBinary(out _)) passed++;
            reader = new MsgPackReader(bytes);
            if (reader.TryReadArrayHeader(out _) || reader.TryReadMapHeader(out _) || reader.TryReadExtension(out _, out _)) passed++;
            if (MsgPackCheck.Check(bytes) is null) passed++;
            return passed;
        }
    }

    [Fact]
    public void A_million_levels_are_refused_without_recursion()
    {
        foreach (var level in new byte[][] { [0x91], [0x81, 0xa1, 0x61], [0xdc, 0x00, 0x01] })
        {
            var bomb = Enumerable.Repeat(level, 1_000_000).SelectMany(bytes => bytes).ToArray();
            MsgPackCheck.Check(bomb).ShouldNotBeNull().What.ShouldBe("nested too deep");
            new MsgPackReader(bomb).TrySkip().ShouldBeFalse();
            JsonTranscoder.ToJson(bomb, out var error).ShouldBeNull();
            error.Fault.ShouldBe(TranscodeFault.InvalidValue);
        }
        var json = new byte[1_000_000];
        json.AsSpan().Fill((byte)'[');
        JsonTranscoder.ToMsgPack(json, out var tooDeep).ShouldBeNull();
        tooDeep.Fault.ShouldBe(TranscodeFault.InvalidValue);
    }

    [Fact]
    public void The_limits_are_held()
    {
        byte[] thirty = [0xdc, 0, 30, .. Enumerable.Repeat((byte)0xc0, 30)];
        MsgPackCheck.Check(thirty, new MsgPackLimits { ItemsMax = 30 }).ShouldBeNull();
        MsgPackCheck.Check(thirty, new MsgPackLimits { ItemsMax = 29 }).ShouldNotBeNull().What.ShouldBe("too many items");
        byte[] three = [0x83, 0xa1, 0x61, 0xc0, 0xa1, 0x62, 0xc0, 0xa1, 0x63, 0xc0];
        MsgPackCheck.Check(three, new MsgPackLimits { MapKeysMax = 40 }).ShouldBeNull();
        MsgPackCheck.Check([0x91, .. three], new MsgPackLimits { DepthMax = 1 }).ShouldNotBeNull().What.ShouldBe("nested too deep");
        MsgPackCheck.Check([0xc0], new MsgPackLimits { DepthMax = 0 }).ShouldBeNull();

        var keys = "{" + string.Join(",", Enumerable.Range(0, 101).Select(n => $"\"k{n}\":0")) + "}";
        var packed = JsonTranscoder.ToMsgPack(System.Text.Encoding.UTF8.GetBytes(keys), out _).ShouldNotBeNull();
        var limits = new MsgPackLimits { MapKeysMax = 100 };
        MsgPackCheck.Check(packed, limits).ShouldNotBeNull().What.ShouldBe("too many map keys");
        JsonTranscoder.ToJson(packed, out var error, limits).ShouldBeNull();
        error.Fault.ShouldBe(TranscodeFault.InvalidValue);
        JsonTranscoder.ToMsgPack(System.Text.Encoding.UTF8.GetBytes(keys), out error, limits).ShouldBeNull();
        error.Fault.ShouldBe(TranscodeFault.InvalidValue);
        JsonTranscoder.ToMsgPack("[[1],[2]]"u8, out error, new MsgPackLimits { ItemsMax = 3 }).ShouldBeNull();
        error.Fault.ShouldBe(TranscodeFault.InvalidValue);
        JsonTranscoder.ToMsgPack("[[1],[2]]"u8, out _, new MsgPackLimits { ItemsMax = 4 }).ShouldNotBeNull();
    }

    [Fact]
    public void A_timestamp_is_cut_to_whole_microseconds_towards_the_past()
    {
        byte[] bytes = [0xc7, 12, 0xff, 0, 0, 0x07, 0xcf, .. Enumerable.Repeat((byte)0xff, 8)]; // -1 s + 1,999 ns
        new MsgPackReader(bytes).TryReadTimestamp(out var time).ShouldBeTrue();
        time.ShouldBe(new Timestamp(-999_999));
    }

    [Fact]
    public void A_writer_on_a_span_that_is_too_small_says_so() => Should.Throw<InvalidOperationException>(() =>
    {
        var writer = new MsgPackWriter(new byte[3]);
        writer.WriteInteger(70_000);
    });
}
