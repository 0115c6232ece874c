using System.Text;
using System.Text.Json;
using Shouldly;
using Sync.MessagePack;
using Xunit;

namespace Sync.Tests.MessagePack;

public sealed class RoundTripTests
{
    private const int Seed = 20_260_102;

    [Fact]
    public void Json_values_with_extremes_survive_the_way_there_and_back()
    {
        var random = new Random(Seed);
        for (var index = 0; index < 20_000; index++)
        {
            var json = new StringBuilder();
            RandomJson.Write(json, random, depthMax: 1 + index % 8);
            var text = Encoding.UTF8.GetBytes(json.ToString());
            var packed = JsonTranscoder.ToMsgPack(text, out var error);
            error.Message.ShouldBeNull(json.ToString());
            MsgPackCheck.Check(packed).ShouldBeNull(json.ToString());

            var back = JsonTranscoder.ToJson(packed, out _)!;
            JsonTranscoder.ToMsgPack(back, out _).ShouldBe(packed, json.ToString());
            using var before = JsonDocument.Parse(text);
            using var after = JsonDocument.Parse(back);
            ShouldBeSame(before.RootElement, after.RootElement, json.ToString());
        }
    }

    [Fact]
    public void Every_double_comes_back_bit_by_bit()
    {
        var random = new Random(Seed);
        Span<byte> bits = stackalloc byte[8];
        for (var index = 0; index < 50_000; index++)
        {
            random.NextBytes(bits);
            var value = BitConverter.ToDouble(bits);
            if (!double.IsFinite(value)) continue;
            byte[] packed = [0xcb, .. BitConverter.GetBytes(value).Reverse()];
            var json = JsonTranscoder.ToJson(packed, out _).ShouldNotBeNull();
            JsonTranscoder.ToMsgPack(json, out _).ShouldBe(packed, Encoding.UTF8.GetString(json));
        }
    }

    [Fact]
    public void Keys_made_to_collide_cost_no_more_than_others()
    {
        // 100,000 keys that share their length and first 8 bytes, in falling order: the worst for prefixes and for many sorts.
        var hostile = Map(Enumerable.Range(0, 100_000).Select(n => $"aaaaaaaa{99_999 - n:d8}"));
        var harmless = Map(Enumerable.Range(0, 100_000).Select(n => $"{n * 7919L % 100_003:d16}"));
        MsgPackCheck.Check(harmless).ShouldBeNull();

        // Bounds a quadratic blow-up (5,000,000,000 comparisons), not a noisy machine: processor time, that of other tests too.
        var started = Environment.CpuUsage.TotalTime;
        MsgPackCheck.Check(hostile).ShouldBeNull();
        JsonTranscoder.ToJson(hostile, out _).ShouldNotBeNull();
        (Environment.CpuUsage.TotalTime - started).ShouldBeLessThan(TimeSpan.FromSeconds(5));

        hostile[^2] = (byte)'1'; // the last key is now the one before it
        MsgPackCheck.Check(hostile).ShouldNotBeNull().What.ShouldBe("duplicate map key");
    }

    [Fact]
    public void A_check_of_a_usual_value_and_a_transcoding_allocate_nothing_but_their_result()
    {
        var packed = JsonTranscoder.ToMsgPack("""{"id":1,"name":"Ada","tags":["a","b"],"at":1.5,"more":{"x":null}}"""u8, out _)!;
        var destination = new System.Buffers.ArrayBufferWriter<byte>(4096);
        JsonTranscoder.TryToJson(packed, destination, out _).ShouldBeTrue();
        var json = destination.WrittenMemory.ToArray();
        JsonTranscoder.TryToMsgPack(json, destination, out _).ShouldBeTrue();
        MsgPackCheck.Check(packed).ShouldBeNull();
        destination.ResetWrittenCount();

        var before = GC.GetAllocatedBytesForCurrentThread();
        var ok = MsgPackCheck.Check(packed) is null && JsonTranscoder.TryToJson(packed, destination, out _)
            && JsonTranscoder.TryToMsgPack(json, destination, out _);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
        ok.ShouldBeTrue();
    }

    private static byte[] Map(IEnumerable<string> keys)
    {
        var all = keys.ToList();
        return Samples.Bytes(to =>
        {
            var writer = new MsgPackWriter(to);
            writer.WriteMapHeader(all.Count);
            foreach (var key in all)
            {
                writer.WriteString(key);
                writer.WriteNil();
            }
            writer.Flush();
        });
    }

    private static void ShouldBeSame(JsonElement before, JsonElement after, string name)
    {
        after.ValueKind.ShouldBe(before.ValueKind, name);
        switch (before.ValueKind)
        {
            case JsonValueKind.String: after.GetString().ShouldBe(before.GetString(), name); break;
            case JsonValueKind.Number: after.GetDouble().ShouldBe(before.GetDouble(), name); break;
            case JsonValueKind.Array:
                after.GetArrayLength().ShouldBe(before.GetArrayLength(), name);
                foreach (var (left, right) in before.EnumerateArray().Zip(after.EnumerateArray())) ShouldBeSame(left, right, name);
                break;
            case JsonValueKind.Object:
                after.EnumerateObject().Count().ShouldBe(before.EnumerateObject().Count(), name);
                foreach (var (left, right) in before.EnumerateObject().Zip(after.EnumerateObject()))
                {
                    right.Name.ShouldBe(left.Name, name);
                    ShouldBeSame(left.Value, right.Value, name);
                }
                break;
        }
    }
}
