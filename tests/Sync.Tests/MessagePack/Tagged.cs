using System.Globalization;
using System.Text;
using System.Text.Json;
using Shouldly;
using Sync.MessagePack;

namespace Sync.Tests.MessagePack;

/// <summary>Single values: the tagged notation of the vectors against what the reader gives and the writer makes.</summary>
internal static class Tagged
{
    /// <summary>Reads one value and checks that it is what the notation says.</summary>
    public static void ShouldRead(ref MsgPackReader reader, JsonElement tagged)
    {
        switch (tagged.Text("type"))
        {
            case "nil": reader.TryReadNil().ShouldBeTrue(); break;
            case "bool":
                reader.TryReadBoolean(out var flag).ShouldBeTrue();
                flag.ShouldBe(tagged.GetProperty("value").GetBoolean());
                break;
            case "int": ReadInteger(ref reader, Integer(tagged)); break;
            case "float":
                reader.TryReadDouble(out var number).ShouldBeTrue();
                if (!double.IsNaN(number)) BitConverter.DoubleToUInt64Bits(number).ShouldBe(Bits(tagged));
                else double.IsNaN(BitConverter.UInt64BitsToDouble(Bits(tagged))).ShouldBeTrue();
                break;
            case "str":
                reader.TryReadString(out var text).ShouldBeTrue();
                text.ShouldBe(TextOf(tagged));
                break;
            case "bin":
                reader.TryReadBinary(out var bytes).ShouldBeTrue();
                bytes.SequenceEqual(BytesOf(tagged)).ShouldBeTrue();
                break;
            case "ext":
                reader.TryReadExtension(out var type, out var content).ShouldBeTrue();
                type.ShouldBe((sbyte)tagged.GetProperty("ext").GetInt32());
                content.SequenceEqual(BytesOf(tagged)).ShouldBeTrue();
                break;
            case "timestamp":
                reader.TryReadTimestamp(out var time).ShouldBeTrue();
                time.UnixMicroseconds.ShouldBe(Micros(tagged));
                break;
            case "array": ReadArray(ref reader, tagged); break;
            case "map": ReadMap(ref reader, tagged); break;
            default: reader.TrySkip().ShouldBeTrue(); break;
        }
    }

    /// <summary>Writes the value in its shortest form.</summary>
    public static void Write(ref MsgPackWriter writer, JsonElement tagged)
    {
        switch (tagged.Text("type"))
        {
            case "nil": writer.WriteNil(); break;
            case "bool": writer.WriteBoolean(tagged.GetProperty("value").GetBoolean()); break;
            case "int":
                if (Integer(tagged) is var value && value > long.MaxValue) writer.WriteInteger((ulong)value);
                else writer.WriteInteger((long)value);
                break;
            case "float": writer.WriteDouble(BitConverter.UInt64BitsToDouble(Bits(tagged))); break;
            case "str": writer.WriteString(TextOf(tagged)); break;
            case "bin": writer.WriteBinary(BytesOf(tagged)); break;
            case "ext": writer.WriteExtension((sbyte)tagged.GetProperty("ext").GetInt32(), BytesOf(tagged)); break;
            case "timestamp": writer.WriteTimestamp(new(Micros(tagged))); break;
            case "array":
                var items = Items(tagged);
                writer.WriteArrayHeader(items.Count);
                foreach (var item in items) Write(ref writer, item);
                break;
            case "map":
                writer.WriteMapHeader(tagged.GetProperty("pairs").GetArrayLength());
                foreach (var pair in tagged.GetProperty("pairs").EnumerateArray())
                {
                    Write(ref writer, pair[0]);
                    Write(ref writer, pair[1]);
                }
                break;
            default:
                for (var level = tagged.GetProperty("levels").GetInt32(); level > 0; level--) writer.WriteArrayHeader(level > 1 ? 1 : 0);
                break;
        }
    }

    private static void ReadInteger(ref MsgPackReader reader, Int128 expected)
    {
        if (expected > long.MaxValue)
        {
            reader.TryReadUInt64(out var large).ShouldBeTrue();
            large.ShouldBe((ulong)expected);
            return;
        }
        var copy = reader;
        (copy.TryReadUInt64(out var unsigned) && unsigned == expected).ShouldBe(expected >= 0);
        reader.TryReadInt64(out var value).ShouldBeTrue();
        value.ShouldBe((long)expected);
    }

    private static void ReadArray(ref MsgPackReader reader, JsonElement tagged)
    {
        var items = Items(tagged);
        reader.TryReadArrayHeader(out var count).ShouldBeTrue();
        count.ShouldBe(items.Count);
        foreach (var item in items) ShouldRead(ref reader, item);
    }

    private static void ReadMap(ref MsgPackReader reader, JsonElement tagged)
    {
        reader.TryReadMapHeader(out var count).ShouldBeTrue();
        count.ShouldBe(tagged.GetProperty("pairs").GetArrayLength());
        foreach (var pair in tagged.GetProperty("pairs").EnumerateArray())
        {
            ShouldRead(ref reader, pair[0]);
            ShouldRead(ref reader, pair[1]);
        }
    }

    private static IReadOnlyList<JsonElement> Items(JsonElement tagged) => tagged.TryGetProperty("items", out var items)
        ? [.. items.EnumerateArray()]
        : [.. Enumerable.Repeat(tagged.GetProperty("item"), tagged.GetProperty("times").GetInt32())];

    private static Int128 Integer(JsonElement tagged) => Int128.Parse(tagged.Text("value")!, CultureInfo.InvariantCulture);

    private static ulong Bits(JsonElement tagged) => Convert.ToUInt64(tagged.Text("bits"), 16);

    private static string TextOf(JsonElement tagged) =>
        tagged.Text("value") ?? new StringBuilder().Insert(0, tagged.Text("text")!, tagged.GetProperty("times").GetInt32()).ToString();

    private static byte[] BytesOf(JsonElement tagged) => Convert.FromHexString(
        tagged.Text("hex") ?? new StringBuilder().Insert(0, tagged.Text("unit")!, tagged.GetProperty("times").GetInt32()).ToString());

    private static long Micros(JsonElement tagged) =>
        checked(tagged.Number("seconds")!.Value * 1_000_000 + tagged.Number("nanoseconds")!.Value / 1000);
}
